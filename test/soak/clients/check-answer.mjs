import { SECRET } from '../odd/objects.mjs';

/** What no answer may be, whatever an app does. */
export function faultsOf({ fields, body }) {
  const faults = [];
  if (body.includes(SECRET)) faults.push("an app's internal text reached a client (body)");
  for (const [name, values] of fields) {
    if (values.some((value) => value.includes(SECRET)))
      faults.push(`an app's internal text reached a client (${name})`);
  }
  if (fields.has('x-injected')) faults.push('a header was injected');
  const [offset] = fields.get('upload-offset') ?? [];
  const [length] = fields.get('upload-length') ?? [];
  if (offset !== undefined && !/^\d{1,16}$/.test(offset))
    faults.push(`Upload-Offset is no number: ${offset.slice(0, 20)}`);
  if (length !== undefined && !/^\d{1,16}$/.test(length))
    faults.push(`Upload-Length is no number: ${length.slice(0, 20)}`);
  if (faults.length === 0 && Number(offset) > Number(length))
    faults.push('Upload-Offset is beyond Upload-Length');
  return faults;
}
