import { mergeFields } from '../headers/field-list.js';
import type { HookResponse } from './hook-event.js';

/** What two hooks want in one response: of what both decide, the second counts. Names of fields match in any spelling. */
export function mergeResponses(first: HookResponse, second: HookResponse): HookResponse;
export function mergeResponses(
  first: HookResponse | undefined,
  second: HookResponse | undefined,
): HookResponse | undefined;
export function mergeResponses(
  first: HookResponse | undefined,
  second: HookResponse | undefined,
): HookResponse | undefined {
  if (!first || !second) return first ?? second;
  return {
    statusCode: second.statusCode ?? first.statusCode,
    header: mergeFields(first.header, second.header),
    body: second.body ?? first.body,
  };
}
