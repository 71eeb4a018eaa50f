"""Networks: modules, layers, losses, initial values."""

from . import init
from .container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .layer import Bilinear, LazyLinear, Linear
from .module import Module
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
