"""Sentences to judge by: no training text, and no recording script, contains them."""

from __future__ import annotations

from lp_pack.speech.languages import Language

UNHEARD_SENTENCES: dict[Language, tuple[str, ...]] = {
    "en": (
        "Nobody expected the ferry to leave before breakfast.",
        "Your umbrella is hanging behind the bathroom door.",
        "Forty thousand visitors crossed the square on Sunday.",
        "My uncle repairs violins in a basement near Vienna.",
        "Could I borrow your charger until half past four?",
        "The orchestra rehearsed quietly while rain hit the roof.",
        "Fresh mushrooms, pepper and olive oil make a simple sauce.",
        "She whispered that both keys were under the flower pot.",
        "Which of these photographs would you like to keep?",
        "Even the youngest climbers managed to reach the hut.",
        "Bring an extra jumper because evenings are chilly.",
        "We missed the exit and drove through several villages.",
    ),
    "zh": (
        "昨天夜里邻居家的小狗一直叫到天亮。",
        "他把护照忘在出租车后排座位上了。",
        "医生建议我每天至少走六千步。",
        "如果航班取消，酒店会安排免费接送。",
        "那本蓝皮书放在书架最上面一层。",
        "孩子们围着篝火唱歌，星光特别明亮。",
        "请把音量调低一点，我正在打电话。",
        "这条隧道通车以后，回家只要半个钟头。",
        "面包师凌晨三点就开始揉面烤饼。",
        "她用毛笔写了一封很短的感谢信。",
        "明年春季我们打算换一台新冰箱。",
        "谁能告诉我最近的邮局怎么走？",
    ),
}
