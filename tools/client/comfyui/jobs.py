"""Jobs run from a node: ComfyUI's progress, previews and Cancel; torch tensors of the result."""
import tandem
import torch

from . import service

PREVIEW_SIDE = 512


class Progress:
    """A job's events on ComfyUI's progress bar."""

    def __init__(self):
        self._bar, self._step = None, None

    def __call__(self, event):
        import comfy.utils
        if isinstance(event, tandem.StepEvent):
            if self._bar is None:
                self._bar = comfy.utils.ProgressBar(event.total)
            self._step = event
            self._bar.update_absolute(event.step, event.total)
        elif isinstance(event, tandem.PreviewEvent) and self._step is not None:
            self._bar.update_absolute(self._step.step, self._step.total, preview_of(event))
        elif isinstance(event, tandem.WarningEvent):
            print(f"Tandem: {event.message} [{event.code}]")


def preview_of(event):
    from PIL import Image
    pixels = event.tensors.get("preview")
    return None if pixels is None else ("JPEG", Image.fromarray(pixels), PREVIEW_SIDE)


@service.explained
def run(job, output, devices="", previews=False):
    """The tensor `output` of the job's result."""
    client = service.client(devices)
    previews = previews and wants_previews()
    result = client.run(job, progress=Progress(), interrupt=service.interrupt, previews=previews)
    return torch.from_numpy(result.tensors[output])


def wants_previews():
    """Whether the user asked ComfyUI for previews."""
    from comfy.cli_args import LatentPreviewMethod, args
    return args.preview_method != LatentPreviewMethod.NoPreviews
