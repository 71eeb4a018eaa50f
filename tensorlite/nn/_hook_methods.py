"""Hanging hooks on a module; :mod:`tensorlite.nn.hooks` runs them."""

from ..engine import register


class HookMethods:
    """The part of :class:`~tensorlite.nn.Module` that registers hooks."""

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call ``hook(module, args)`` before ``forward``; it may return new arguments.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Run it before the hooks registered so far.
        with_kwargs : bool
            Call ``hook(module, args, kwargs)`` instead; it may return ``(args, kwargs)``.

        Returns
        -------
        RemovableHandle
        """
        flags = ((self._forward_pre_hooks_with_kwargs, with_kwargs),)
        return register(self._forward_pre_hooks, hook, prepend=prepend, flags=flags)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call ``hook(module, args, output)`` after ``forward``; it may return another output.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Run it before the hooks registered so far.
        with_kwargs : bool
            Call ``hook(module, args, kwargs, output)`` instead.
        always_call : bool
            Run it also when ``forward`` raised an exception.

        Returns
        -------
        RemovableHandle

        Examples
        --------
        >>> import tensorlite as tl
        >>> layer = tl.nn.Linear(3, 2)
        >>> with layer.register_forward_hook(lambda module, args, output: print(output.shape)):
        ...     _ = layer(tl.zeros(4, 3))
        torch.Size([4, 2])
        """
        flags = (
            (self._forward_hooks_with_kwargs, with_kwargs),
            (self._forward_hooks_always_called, always_call),
        )
        return register(self._forward_hooks, hook, prepend=prepend, flags=flags)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call ``hook(module, grad_output)`` before gradients enter the module; it may return new ones."""
        return register(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call ``hook(module, grad_input, grad_output)`` once both are known; it may return a new ``grad_input``."""
        self._set_backward_kind(True)
        return register(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook):
        """The old form of :meth:`register_full_backward_hook`: sees only the module's last operation."""
        self._set_backward_kind(False)
        return register(self._backward_hooks, hook)

    def _set_backward_kind(self, full):
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one "
                "of them."
            )
        self._is_full_backward_hook = full
