"""What usually makes a check of the certificate fail: for who writes an adapter."""

from __future__ import annotations

USUAL: dict[str, str] = {
    "parameters": "another network: a layer without its bias, padding where the description has "
    "none, a dense layer that takes another number of features; or a path that `export` names "
    "otherwise",
    "round trip": "a kernel that is transposed on one way only, arrays that are kept in place of "
    "copies, or a `compile` that leaves weights changed: name what a step changes in "
    "`changed_by_steps`",
    "logits": "the order in which the image is flattened (H, W, C here), kernels that are mirrored "
    "(a true convolution in place of a cross-correlation) or have height and width exchanged, "
    "another padding, or another activation than asked for",
    "loss": "a sum or a mean over something else than the images of the batch, a softmax that is "
    "taken twice, or a last, smaller batch that is filled up or left out",
    "gradients": "a mean over another number of images, a maximum whose gradient goes to several "
    "equal places or to another than the first, or the derivative of an activation at 0",
    "training step, loss": "the loss after the update in place of that before it, or rows of "
    "another array than was loaded",
    "training step, gradients": "another gradient in training than in `gradients`: a buffer that "
    "`build` did not empty, a learning rate that the framework kept or scheduled, or clipping",
    "random numbers, losses": "draws that reach another layer or another step, dropout that is "
    "not divided by 1 − rate, or numbers of the framework's own",
    "random numbers, weights": "as for the losses; if these agree, the way back takes other "
    "numbers than the way there",
    "optimizer": "a constant that is left to the framework's default, ε inside the root or before "
    "the correction of the bias, the learning rate inside the momentum, weight decay in another "
    "place, or a count of steps that begins anew with each epoch",
    "optimizer, losses": "a step that is taken twice or not at all, or the losses of another step",
    "weights": "as for the optimizer; if that agrees, gradients of this network differ",
    "evaluation, loss": "evaluation as in training (dropout, noise, random slopes), or a last "
    "batch whose filling is not cut off",
    "evaluation, classes": "as for the loss; or images that come back in another order",
    "threads": "threads that were set after the framework's first operation, or a pool of its own "
    "that the adapter does not set",
    "batches gathered": "another order than was given: a shuffle of the framework's own, rows that "
    "are gathered from a copy that was not loaded anew, or indices that wrap",
    "precision": "TF32, bfloat16 or a fast-math option that the framework or its compiler takes "
    "unless told",
}
