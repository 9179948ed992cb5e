import { withHook } from './response.js';

const created = { status: 201, headers: ['Tus-Resumable', '1.0.0', 'Location', '/files/a'] };
const appended = { status: 204, headers: ['Upload-Offset', '5'] };

describe('withHook', () => {
  it('leaves Location to the protocol where something was created', () => {
    const response = { header: { location: '/elsewhere', 'X-A': '1' } };
    expect(withHook(created, response).headers).toEqual([...created.headers, 'X-A', '1']);
    expect(withHook(created, { ...response, statusCode: 200 }).headers).toContain('/files/a');
    expect(withHook(appended, { ...response, statusCode: 201 }).headers).not.toContain('/elsewhere');
  });

  it('lets a hook redirect, and say where the result of an upload is', () => {
    const response = { statusCode: 303, header: { Location: '/result' } };
    expect(withHook(created, response).headers).toEqual(['Tus-Resumable', '1.0.0', 'Location', '/result']);
    expect(withHook(appended, { header: { Location: '/result' } }).headers).toContain('/result');
  });

  it('changes nothing without a hook', () => expect(withHook(created, undefined)).toBe(created));
});
