"""A progress bar for `progress=True`."""


class Bar:
    """Shows (done, total) as a bar of tqdm, which ends with the work."""

    def __init__(self):
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(
                "progress: True needs the package tqdm (pip install tqdm); give a function of (done, total) "
                "to do without"
            ) from error
        self._bar = tqdm(total=0)

    def __call__(self, done, total):
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
