/** What the server was told, by flags and environment. Times are milliseconds, sizes bytes. */
export interface ServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** With a slash at both ends. */
  readonly basePath: string;
  readonly store: 'file' | 'memory' | 's3';
  readonly uploadDir: string;
  readonly durability: 'crash' | 'power-loss';
  readonly locker: 'memory' | 'file' | 'redis';
  readonly redisUrl: string;
  /** Not empty with the store s3. */
  readonly s3Bucket: string;
  /** Empty: AWS. */
  readonly s3Endpoint: string;
  /** Empty: what the environment says. */
  readonly s3Region: string;
  readonly s3ObjectPrefix: string;
  readonly s3PartSize: number;
  readonly s3MinPartSize: number;
  /** 0: no redirects. */
  readonly s3PresignedDownloads: number;
  /** Empty: where the server reaches it. */
  readonly s3PublicEndpoint: string;
  readonly maxSize: number;
  readonly enableExperimentalProtocol: boolean;
  readonly minSize: number;
  readonly minAppendSize: number;
  readonly maxAppendSize: number;
  readonly maxMetadataSize: number;
  readonly maxPartials: number;
  readonly expireAfter: number;
  readonly expireSweepInterval: number;
  readonly networkTimeout: number;
  readonly headerTimeout: number;
  readonly keepAliveTimeout: number;
  /** 0: no limit. */
  readonly maxConnections: number;
  readonly acquireLockTimeout: number;
  readonly shutdownTimeout: number;
  readonly progressInterval: number;
  readonly disableDownload: boolean;
  readonly disableTermination: boolean;
  readonly disableConcatenation: boolean;
  readonly disableCors: boolean;
  readonly corsAllowOrigin: RegExp;
  readonly behindProxy: boolean;
  readonly exposeMetrics: boolean;
  readonly workers: number;
  readonly logLevel: LogLevelName;
}

export type LogLevelName = 'error' | 'warn' | 'log' | 'debug';
