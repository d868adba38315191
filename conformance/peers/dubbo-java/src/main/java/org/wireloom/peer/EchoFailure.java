package org.wireloom.peer;

/** The declared exception of {@link EchoService#fail}; it must reach the caller as this very class. */
public class EchoFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private String reason;

    public EchoFailure() {}

    public EchoFailure(String message) {
        super(message);
        this.reason = message;
    }

    /** A field of the subclass, which shows that more than the class and message survives. */
    public String getReason() {
        return reason;
    }

    public void setReason(String reason) {
        this.reason = reason;
    }
}
