# Compiled when the package is installed: what LeNet-5 needs with each optimizer, for any size of
# image and batch.

@setup_workload begin
    layers = (
        ("conv", ("relu", (0, 0))),
        ("maxpool", (2, 2)),
        ("conv", ("relu", (0, 0))),
        ("maxpool", (2, 2)),
        ("flatten", "reversed"),
        ("dense", "relu"),
        ("dense", "relu"),
        ("dense", "none"),
    )
    shapes = ((5, 5, 1, 6), 6, (5, 5, 6, 16), 16, (4, 16), 4, (4, 4), 4, (2, 4), 2)
    arrays = map(shape -> ones(Float32, shape), shapes)
    others = map(name -> (name, 0.5), ("weight_decay", "alpha", "beta1", "beta2", "epsilon"))
    images, labels = ones(Float32, 16, 16, 1, 4), Int32[0, 1, 0, 1]
    order = groups()
    add_group!(order, Int32[0 1; 2 3])
    add_group!(order, reshape(Int32[1], 1, 1))
    threads_of_blas = BLAS.get_num_threads()
    @compile_workload begin
        for name in ("sgd", "rmsprop", "adam", "adamw"), momentum in (0.0, 0.5)
            constants = (("momentum", momentum), others..., ("rate_in_momentum", false))
            own = start(layers, arrays, name, constants, 1)
            load!(own, images, labels, 2)
            train!(twin(own), 0.0, order)
            train!(own, 0.1, order)
            predict(own, images)
            gradients(own, Int32[0, 1])
            parameters(own)
            multiply(own, placed(own, ones(Float32, 4, 4)), 1)
            found = buffers(own)
            restore!(own, Tuple((name, Tuple(found[name])) for name in keys(found)), 1)
        end
        versions()
        compilations()
    end
    BLAS.set_num_threads(threads_of_blas)
end
