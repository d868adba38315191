package org.wireloom.peer;

/** An enum inside a POJO: hessian2 sends it as an object with a name. */
public enum Mood {
    CALM,
    CURIOUS,
    GRUMPY
}
