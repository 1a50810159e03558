"""What can be believed of a result.

Reach of the image, what was added, what was lost, models compared on the image, disagreement of orientations,
and errors where they were measured. What the figures mean, and what none of them can say: ``docs/trust.md``.
"""

from napari_srgan.reliability.report import TrustOptions, TrustReport, trust_job
from napari_srgan.reliability.validation import Validation, validation_job

__all__ = ["TrustOptions", "TrustReport", "Validation", "trust_job", "validation_job"]
