import type { IncomingHttpHeaders } from 'node:http';

const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+\/?$/;
const PAIR = /(?:^|[;,\s])(host|proto)=(?:"([^"]*)"|([^;,\s"]*))/gi;

/** Where a client reaches us, as a proxy in front tells it. */
export interface Forwarded {
  readonly proto?: 'http' | 'https';
  readonly host?: string;
  /** Path that the proxy took away, without a slash at the end. */
  readonly prefix?: string;
}

/**
 * Reads Forwarded (RFC 7239), and X-Forwarded-Host, -Proto and -Prefix for what it does not say. Of a list the first
 * value counts, the one that the client used; what is malformed is ignored.
 */
export function readForwarded(header: IncomingHttpHeaders): Forwarded {
  const forwarded = readForwardedElement(header['forwarded']);
  const host = forwarded.host ?? first(header['x-forwarded-host']);
  const prefix = first(header['x-forwarded-prefix']);
  return {
    proto: asProto(forwarded.proto ?? first(header['x-forwarded-proto'])),
    host: isHost(host) ? host : undefined,
    prefix: prefix !== undefined && PREFIX.test(prefix) ? prefix.replace(/\/$/, '') : undefined,
  };
}

/** True for a host that may stand in a URL: a name or address, and perhaps a port. */
export function isHost(host: string | undefined): host is string {
  return host !== undefined && HOST.test(host);
}

/** A host without the port that its protocol implies. */
export function withoutDefaultPort(host: string, proto: 'http' | 'https'): string {
  return host.replace(proto === 'http' ? /:80$/ : /:443$/, '');
}

function readForwardedElement(header: string | undefined): { host?: string; proto?: string } {
  const element = header?.split(',')[0];
  if (element === undefined) return {};
  const found: { host?: string; proto?: string } = {};
  for (const [, name = '', quoted, plain] of element.matchAll(PAIR)) {
    const value = quoted ?? plain;
    if (name.toLowerCase() === 'host') found.host ??= value;
    else found.proto ??= value;
  }
  return found;
}

function first(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  return text?.split(',')[0]?.trim();
}

function asProto(value: string | undefined): 'http' | 'https' | undefined {
  const proto = value?.toLowerCase();
  return proto === 'http' || proto === 'https' ? proto : undefined;
}
