# Compiled when the package is installed: what LeNet-5 needs with each optimizer, for any size of
# image and batch, since of the sizes only the channels of a pooling are part of a type.

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
    constants = (
        ("momentum", 0.0),
        ("weight_decay", 0.0),
        ("alpha", 0.9),
        ("beta1", 0.9),
        ("beta2", 0.9),
        ("epsilon", 1e-8),
        ("rate_in_momentum", false),
    )
    images, labels = ones(Float32, 16, 16, 1, 4), Int32[0, 1, 0, 1]
    order = groups()
    add_group!(order, Int32[0 1; 2 3])
    add_group!(order, reshape(Int32[1], 1, 1))
    threads_of_blas = BLAS.get_num_threads()
    @compile_workload begin
        for name in ("sgd", "rmsprop", "adam", "adamw"), momentum in (0.0, 0.5)
            with_momentum = (("momentum", momentum), constants[2:end]...)
            session = start(layers, arrays, name, with_momentum, 1)
            load!(session, images, labels, 2)
            for parts in 1:2  # tasks need no threads of their own
                session.parts = parts
                train!(twin(session), 0.0, order)
                train!(session, 0.1, order)
                predict(session, images)
                gradients(session, Int32[0, 1])
                synchronize(session)
                compilations(session)
            end
            parameters(session)
            multiply(session, placed(session, ones(Float32, 4, 4)), 1)
            found = buffers(session)
            restore!(session, Tuple((name, Tuple(found[name])) for name in keys(found)), 1)
        end
        versions()
        compilations()
    end
    BLAS.set_num_threads(threads_of_blas)
end
