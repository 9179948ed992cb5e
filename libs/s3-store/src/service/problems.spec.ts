import { S3ServiceException } from '@aws-sdk/client-s3';
import { Changed, Conflict, Full, Missing, Passing, type StorageProblem } from '@nestjs-tus/object-storage';
import { hasName, isTransient, problemOf, startProblem } from './problems.js';

const serviceError = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });
const socketError = (code: string) => Object.assign(new Error(code), { code });
type Problem = new (cause: unknown) => StorageProblem;

describe('errors of the client', () => {
  it.each<[Error, Problem]>([
    [serviceError('SlowDown', 503), Passing],
    [serviceError('InternalError', 500), Passing],
    [serviceError('Unknown', 502), Passing],
    [serviceError('TooManyRequests', 429), Passing],
    [serviceError('AccessDenied', 403), Passing],
    [serviceError('RequestTimeTooSkewed', 403), Passing],
    [serviceError('NoSuchBucket', 404), Passing],
    [serviceError('NoSuchUpload', 404), Passing],
    [serviceError('NotFound', 404), Passing],
    [serviceError('QuotaExceeded', 403), Full],
    [serviceError('Whatever', 507), Full],
    [serviceError('NoSuchKey', 404), Missing],
    [serviceError('PreconditionFailed', 412), Changed],
    [serviceError('Unknown', 412), Changed],
    [serviceError('ConditionalRequestConflict', 409), Conflict],
    [serviceError('OperationAborted', 409), Conflict],
    [socketError('ECONNREFUSED'), Passing],
    [socketError('ECONNRESET'), Passing],
    [socketError('ENOTFOUND'), Passing],
    [Object.assign(new Error('slow'), { name: 'TimeoutError' }), Passing],
  ])('%s becomes %p', (error, problem) => {
    const found = problemOf(error);
    expect(found).toBeInstanceOf(problem);
    expect(found).toMatchObject({ cause: error, message: error.message });
  });

  it('stay what they are when they say nothing about the service', () => {
    const defects = [
      serviceError('InvalidArgument', 400),
      new TypeError('a defect'),
      new RangeError('another'),
      new Missing(new Error('a problem already')),
      'no error at all',
    ];
    for (const defect of defects) expect(problemOf(defect)).toBe(defect);
  });

  it('are seen through the problem that they became', () => {
    expect(hasName(problemOf(serviceError('NoSuchUpload', 404)), 'NoSuchUpload')).toBe(true);
    expect(isTransient(problemOf(socketError('ECONNRESET')))).toBe(true);
    expect(isTransient(problemOf(serviceError('NoSuchBucket', 404)))).toBe(false);
  });

  it('tell the operator what to do', () => {
    expect(startProblem(serviceError('NoSuchBucket', 404), 'b', 'http://s3').message).toBe(
      'S3Store cannot use http://s3: the bucket "b" does not exist: create it, or give another name',
    );
    expect(startProblem(socketError('ECONNREFUSED'), 'b', 'S3').message).toContain('is not reached');
    expect(startProblem(serviceError('Odd', 400), 'b', 'S3').message).toContain('refuses (Odd');
  });
});
