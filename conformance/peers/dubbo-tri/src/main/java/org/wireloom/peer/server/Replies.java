package org.wireloom.peer.server;

import org.apache.dubbo.common.stream.StreamObserver;

/** The half of a stream that the client writes; if it breaks there is nobody to answer. */
abstract class Replies<I, O> implements StreamObserver<I> {
    final StreamObserver<O> out;

    Replies(StreamObserver<O> out) {
        this.out = out;
    }

    @Override
    public void onError(Throwable t) {}
}
