import { Logger } from '@nestjs/common';
import type { DataStore, Locker, TusModuleOptions } from 'nestjs-tus';
import type { ServerOptions } from './config/server-options.js';
import { tusLoggerOf } from './log/tus-logger.js';

/** Of the time until the process must be gone, how much running requests may take to commit. */
const SHARE_FOR_REQUESTS = 0.8;

/** The module's options, of the server's. */
export function tusOptionsOf(options: ServerOptions): TusModuleOptions {
  return {
    path: options.basePath,
    logger: tusLoggerOf(options.logLevel),
    maxSize: options.maxSize,
    enableExperimentalProtocol: options.enableExperimentalProtocol,
    minSize: options.minSize,
    minAppendSize: options.minAppendSize,
    maxAppendSize: options.maxAppendSize,
    maxMetadataSize: options.maxMetadataSize,
    maxPartials: options.maxPartials,
    expiration: { after: options.expireAfter, sweepInterval: options.expireSweepInterval },
    networkTimeout: options.networkTimeout,
    acquireLockTimeout: options.acquireLockTimeout,
    gracefulRequestCompletionTimeout: Math.ceil(options.shutdownTimeout * SHARE_FOR_REQUESTS),
    uploadProgressInterval: options.progressInterval,
    disableDownload: options.disableDownload,
    disableTermination: options.disableTermination,
    disableConcatenation: options.disableConcatenation,
    cors: { disable: options.disableCors, allowOrigin: options.corsAllowOrigin },
    respectForwardedHeaders: options.behindProxy,
  };
}

/** Loads only the store that is asked for: the start has to be quick. */
export async function storeOf(options: ServerOptions): Promise<DataStore> {
  const { store, uploadDir, durability } = options;
  if (store === 's3') return s3StoreOf(options);
  if (store === 'memory') {
    const { MemoryStore } = await import('nestjs-tus');
    return new MemoryStore();
  }
  const { FileStore } = await import('@nestjs-tus/file-store');
  return new FileStore({ directory: uploadDir, durability });
}

async function s3StoreOf(options: ServerOptions): Promise<DataStore> {
  // On Node 20 the SDK would warn, in nine lines, of its versions to come: the lock file chooses which one this server has.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { S3Store } = await import('@nestjs-tus/s3-store');
  const endpoint = options.s3Endpoint || undefined;
  // Services other than AWS have no regions, and a signature needs one all the same.
  const region = options.s3Region || process.env.AWS_REGION || (endpoint && 'us-east-1');
  const { s3PresignedDownloads: lifetime, s3PublicEndpoint } = options;
  return new S3Store({
    bucket: options.s3Bucket,
    objectPrefix: options.s3ObjectPrefix,
    partSize: options.s3PartSize,
    minPartSize: options.s3MinPartSize,
    ...(lifetime > 0 && { presignedDownloads: { lifetime, endpoint: s3PublicEndpoint || undefined } }),
    clientConfig: { ...(endpoint && { endpoint }), ...(region && { region }) },
  });
}

export async function lockerOf({ locker, uploadDir, redisUrl }: ServerOptions): Promise<Locker> {
  if (locker === 'memory') {
    const { MemoryLocker } = await import('nestjs-tus');
    return new MemoryLocker();
  }
  if (locker === 'redis') {
    const { RedisLocker } = await import('@nestjs-tus/redis-locker');
    return new RedisLocker({ url: redisUrl, logger: new Logger('RedisLocker') });
  }
  const { FileLocker } = await import('@nestjs-tus/file-store');
  return new FileLocker({ directory: uploadDir });
}
