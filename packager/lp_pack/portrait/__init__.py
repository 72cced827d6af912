"""From a portrait file to the crop that LivePortrait's networks expect.

`prepare.prepare_portrait` is the way in: loading, face detection, crop, and the transform and
mask with which a generated frame returns into the portrait.
"""
