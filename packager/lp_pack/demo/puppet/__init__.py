"""The demo's teacher: a 2.5-D puppet of one public-domain portrait, driven by 21 keypoints.

No network is involved. `landmarks` holds what was measured on the picture, `portrait` cuts it
into a head and a body, `pose` reads head pose and expression out of keypoints and turns the head,
`mouth` and `eyes` move what is on it, `puppet` puts a frame together.
"""

from lp_pack.demo.puppet.puppet import Puppet

__all__ = ["Puppet"]
