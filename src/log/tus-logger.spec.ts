import { captureOutput, endOfTurn } from './testing/captured-output.js';
import { tusLoggerOf } from './tus-logger.js';

const written = captureOutput();

describe('tusLoggerOf', () => {
  it('writes the lines of the endpoint', async () => {
    const logger = tusLoggerOf('debug');
    logger.debug?.('event="UploadCreated"');
    await endOfTurn();
    logger.warn('slow', undefined);
    logger.error('PATCH failed', new Error('disk'));
    expect(written[0]).toBe('stdout DEBUG [TusModule] event="UploadCreated"\n');
    expect(written[1]).toBe('stderr WARN  [TusModule] slow\n');
    expect(written[2]).toContain('stderr ERROR [TusModule] PATCH failed Error: disk\n    at ');
  });

  it('leaves out what is less important than it was told', async () => {
    const logger = tusLoggerOf('error');
    logger.log('event="UploadFinished"');
    logger.warn('slow');
    await endOfTurn();
    expect(written).toEqual([]);
  });

  it('has no debug where nobody wants it, so that the engine puts no such line together', () => {
    expect(tusLoggerOf('log').debug).toBeUndefined();
  });
});
