"""What must be the same with and without the proxy."""

import grpc

import cancels
import endings
import messages
import metadata
import streams
from common import LIMITS


def open_channel(target, **more):
    # A pool of subchannels is shared in the process; a scenario that opens a channel wants connections of its own.
    return grpc.aio.insecure_channel(target, options=[*LIMITS, ("grpc.use_local_subchannel_pool", 1)], **more)


def scenarios(options):
    world = World(options.target, options.partner)
    named = []
    for module in (messages, streams, metadata, endings, cancels):
        for name, body in module.SCENARIOS:
            named.append((name, lambda body=body: body(world)))
    return named


class World:
    """What scenarios need: the channel that they share, and how to make others."""

    def __init__(self, target, partner):
        self.target = target
        self.partner = partner
        self.shared = None

    def open(self, target=None, **more):
        return open_channel(target or self.target, **more)

    @property
    def channel(self):
        # Made late, for it belongs to the running loop.
        if self.shared is None:
            self.shared = self.open()
        return self.shared

    @property
    def stub(self):
        return self.stub_of(self.channel)

    def stub_of(self, channel):
        import echo_pb2_grpc

        return echo_pb2_grpc.EchoServiceStub(channel)
