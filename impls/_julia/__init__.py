"""What implementations in Julia share: finding Julia, starting it, calling a package of ours."""
