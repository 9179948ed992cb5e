import type { IncomingMessage } from 'node:http';
import type { OpenExchange } from './exchanges.js';

/**
 * Keeps the media type from body parsers, so that none eats a body of application/json. Set to undefined, not deleted: that would
 * make every later look at the headers slow.
 */
export function hideMediaType(req: IncomingMessage, open: OpenExchange): void {
  const mediaType = req.headers['content-type'];
  if (mediaType === undefined) return;
  open.hiddenMediaType = mediaType;
  req.headers['content-type'] = undefined;
}

/** Gives it back to guards, hooks and the engine. */
export function restoreMediaType(req: IncomingMessage, open: OpenExchange): void {
  if (open.hiddenMediaType === undefined) return;
  req.headers['content-type'] = open.hiddenMediaType;
  open.hiddenMediaType = undefined;
}
