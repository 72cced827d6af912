// One sound at a time: a clip that starts pauses the others and takes over their position.
const clips = [...document.querySelectorAll("video")];
for (const clip of clips) {
  clip.addEventListener("play", () => {
    for (const other of clips) {
      if (other !== clip && !other.paused) {
        clip.currentTime = other.currentTime;
        other.pause();
      }
    }
  });
}
