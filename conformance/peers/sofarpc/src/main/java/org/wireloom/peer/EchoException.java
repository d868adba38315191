package org.wireloom.peer;

/** The declared exception of {@link EchoService#fail}. */
public class EchoException extends Exception {
    private static final long serialVersionUID = 1L;

    public EchoException(String message) {
        super(message);
    }
}
