// Worker: looks into each encoded frame on its way to the decoder and tells its capture time.

import { findTime } from "./sei.js";

self.onrtctransform = ({ transformer }) => {
  const { generation } = transformer.options;
  const look = new TransformStream({
    transform(frame, controller) {
      const rtp = frame.getMetadata().rtpTimestamp ?? frame.timestamp;
      self.postMessage({ generation, rtp, time: findTime(new Uint8Array(frame.data)) });
      controller.enqueue(frame);
    },
  });
  // The pipe breaks when the connection closes; that is how it ends.
  transformer.readable.pipeThrough(look).pipeTo(transformer.writable).catch(() => {});
};
