"""A network as the engine trains it."""

from explorer.engine.parameters import Parameters
from explorer.engine.passes import Pass
from explorer.network import NeuralNetwork

__all__ = ["Model"]


class Model:
    """The layers, functions and weights of a network, with the weights in one array.

    Parameters
    ----------
    network : NeuralNetwork
        Its weights are copied; it is not changed.
    small_product : int
        Multiplications up to which BLAS counts a matrix product as small; see `kernels.product`.
    """

    def __init__(self, network: NeuralNetwork, small_product: int = 0) -> None:
        self.dtype, self.loss = network.dtype, network.loss
        self.parameters = Parameters.empty(network.layer_sizes, network.dtype)
        self.parameters.set_weights(network.parameters)
        self._functions = network.hidden_activation, network.output, network.loss
        self._small_product = small_product

    @property
    def n_inputs(self) -> int:
        """Inputs of the network."""
        return self.parameters.sizes[0]

    @property
    def n_classes(self) -> int:
        """Outputs of the network."""
        return self.parameters.sizes[-1]

    def make_pass(self, n_samples: int, input_scale: float = 1.0) -> Pass:
        """Return the arrays and calls for passes of `n_samples` rows through this network."""
        return Pass(self.parameters, *self._functions, n_samples, input_scale, self._small_product)
