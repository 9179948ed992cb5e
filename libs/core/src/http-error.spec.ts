import { errors, HttpError } from './errors.js';
import { faultsOf } from './http-error.js';

const REFUSED = { code: 'ERR_REFUSED', status: 422, message: 'not this one' };

describe("an application's error", () => {
  it.each([
    ['Upload-Offset', '7'],
    ['upload-offset', 'seven'],
    ['UPLOAD-COMPLETE', '?1'],
    ['Upload-Incomplete', '?0'],
    ['Tus-Resumable', '0.0.1'],
    ['Content-Length', '5'],
    ['transfer-encoding', 'chunked'],
  ])('says nothing that the protocol decides, and what was left out: %s', (name, value) => {
    const header = { [name]: value, 'X-Why': 'policy' };
    const said = [
      new HttpError(REFUSED, { header }),
      new HttpError(REFUSED).with({ header }),
      new HttpError(REFUSED).withHeader(header),
      errors.uploadRejectedByServer({ header }),
      errors.notFound().with({ header }).asFinalAnswer(),
    ];
    for (const error of said) {
      expect(error.header).toEqual({ 'X-Why': 'policy' });
      expect(faultsOf(error).join()).toContain(`response.header['${name}'] is the protocol's own`);
    }
  });
});

describe('the error of a wrong offset', () => {
  it('says where the upload goes on, also when it is changed', () => {
    const wanted = { statusCode: 423, header: { 'Retry-After': '1' } };
    expect(errors.mismatchOffset(7).with(wanted).asFinalAnswer().header).toEqual({
      'Upload-Offset': '7',
      'Retry-After': '1',
    });
  });

  it.each(['seven', '-3', 'NaN', '1e3', ''])('says no offset that is none: %p', (offset) => {
    expect(errors.mismatchOffset().with({ header: { 'Upload-Offset': offset } }).header).toEqual({});
  });
});
