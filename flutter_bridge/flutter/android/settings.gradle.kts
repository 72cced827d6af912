rootProject.name = "lp_pack_flutter"
