import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Set on a request whose client waits for 100 (Continue). */
const AWAITS_CONTINUE = Symbol('awaits 100-continue');

type ContinuedRequest = IncomingMessage & { [AWAITS_CONTINUE]?: boolean };

/**
 * Makes a server hold 100 (Continue) back from upload requests until they are accepted, so that a refused client does not
 * send its body for nothing. Other requests get it as soon as it is their turn.
 */
export function holdContinue(server: Server, isUploadRequest: (request: IncomingMessage) => boolean): void {
  server.on('checkContinue', (request: ContinuedRequest, response: ServerResponse) => {
    if (isUploadRequest(request)) request[AWAITS_CONTINUE] = true;
    else continueInTurn(response);
    server.emit('request', request, response);
  });
}

/**
 * Behind requests that are not answered yet, Node keeps what is written, and puts the head of the answer before it: 100 (Continue) would come
 * between the head and the content.
 */
function continueInTurn(response: ServerResponse): void {
  const send = () => {
    if (!response.headersSent) response.writeContinue();
  };
  if (response.socket) send();
  else response.once('socket', send);
}

/** Sends 100 (Continue) if the client waits for it. */
export function sendContinue(request: ContinuedRequest, response: ServerResponse): void {
  if (!request[AWAITS_CONTINUE]) return;
  request[AWAITS_CONTINUE] = false;
  if (!response.headersSent) response.writeContinue();
}

/** True while the client waits: it has not sent its body, and may never do so. */
export function awaitsContinue(request: ContinuedRequest): boolean {
  return request[AWAITS_CONTINUE] === true;
}
