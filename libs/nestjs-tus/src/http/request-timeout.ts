import type { Server } from 'node:http';
import type { Socket } from 'node:net';

type ClientError = Error & { readonly code?: string };
type Listener = (error: ClientError, socket: Socket) => void;

/** What Node answers to a broken request by itself, where no listener does. */
const ANSWERS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Lets uploads take longer than `server.requestTimeout`, which ends every request that has not arrived whole by then: 300 s if nobody
 * has set it. It stays in force for all others, and uploads have `networkTimeout`, which ends those that are silent.
 *
 * Node tells of a timeout by the event `clientError`, and leaves the connection alone when somebody listens. Who listened before is
 * asked for everything else; where nobody did, what Node does then is done.
 */
export function exemptFromRequestTimeout(
  server: Server,
  isReceivingUpload: (socket: Socket) => boolean,
): void {
  // HTTP/2 has no such timeout.
  if (server.requestTimeout === undefined) return;
  const before = server.listeners('clientError') as Listener[];
  server.removeAllListeners('clientError');
  server.on('clientError', (error: ClientError, socket: Socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isReceivingUpload(socket)) return;
    for (const listener of before) listener.call(server, error, socket);
    if (before.length === 0 && server.listenerCount('clientError') === 1) answerAsNode(error, socket);
  });
}

function answerAsNode(error: ClientError, socket: Socket): void {
  // Within an answer that has begun, another one would be taken for a part of it.
  const { _httpMessage: running } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  if (socket.writable && !running?.headersSent) {
    socket.write(`HTTP/1.1 ${ANSWERS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
  }
  socket.destroy(error);
}
