package org.wireloom.peer;

public enum Colour {
    RED,
    GREEN,
    BLUE
}
