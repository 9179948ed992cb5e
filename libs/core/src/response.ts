import type { Readable } from 'node:stream';
import type { HookResponse } from './events/hook-event.js';
import { hasField, replaceFields, type Fields } from './headers/field-list.js';

/** A response before it is written: names and values in turn, as `writeHead` takes them. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: string[];
  readonly body?: string | Readable;
}

/** What the protocol answers, with what a hook wants in it. Location stays where it says what was created. */
export function withHook(head: ResponseHead, response: HookResponse | undefined): ResponseHead {
  if (!response) return head;
  const { statusCode: status = head.status, header = {}, body = head.body } = response;
  const isSuccess = status >= 200 && status < 300;
  const isLocated = status === 201 || (isSuccess && hasField(head.headers, 'Location'));
  const fields = isLocated ? withoutLocation(header) : header;
  return { status, headers: replaceFields(head.headers, fields), body };
}

function withoutLocation(header: Fields): Fields {
  return Object.fromEntries(Object.entries(header).filter(([name]) => name.toLowerCase() !== 'location'));
}
