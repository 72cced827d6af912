"""Distillation: a lite generator learns one persona from a teacher that maps keypoints to frames.

`teacher` says what a teacher is, `motion_sampling` what motion it is asked to show, `frame_cache`
renders that once, `starting_point` and `trainer` train, `evaluation` measures on held-out motion.
"""
