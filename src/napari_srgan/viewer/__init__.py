"""Everything napari sees: layers in, layers out, one way to run a job, thin widgets."""
