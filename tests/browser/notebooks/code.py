# %%
from explorer import load_mnist, watch
from explorer.network.network import Network

data = load_mnist()
X, d = data.X_train[:, :4], data.Y_train[:, :4]
watch(Network(784, 32, 10, seed=0).train_iteration, X, d)
# %%


class Transposed(Network):
    def output_delta(self, y, d):
        return (y - d).T


watch(Transposed(784, 32, 10, seed=0).train_iteration, X, d)
