import { errors } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';
import type { HookEvent } from './hook-event.js';

/** The event that a request causes. `stopUpload` ends that request, while it receives. */
export function hookEventOf(exchange: Exchange, info: FileInfo): HookEvent {
  const { req, route, method } = exchange;
  const { remoteAddress, remotePort } = req.socket;
  return {
    upload: { ...info, stopUpload: (response) => exchange.stop(errors.uploadStoppedByServer(response)) },
    httpRequest: {
      method,
      uri: ('originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : req.url) ?? '',
      remoteAddr: remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort ?? ''}`,
      header: { ...req.headers },
    },
    request: route.request ?? req,
  };
}

/** The event of something that no request caused: an expiry, say. */
export function storedEventOf(info: FileInfo): HookEvent {
  return {
    upload: { ...info, stopUpload: () => undefined },
    httpRequest: { method: '', uri: '', remoteAddr: '', header: {} },
  };
}
