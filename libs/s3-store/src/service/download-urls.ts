import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ServedContent } from '@nestjs-tus/core';
import type { PresignedDownloads } from '../options.js';

/** Makes the URLs by which the service itself serves an object, to every client that has one. Nothing is asked of the service for that. */
export class DownloadUrls {
  private readonly client: S3Client;
  private readonly expiresIn: number;

  /** `client` speaks to the service for the store. */
  constructor(
    private readonly bucket: string,
    client: S3Client,
    { lifetime, endpoint }: PresignedDownloads,
  ) {
    this.client = endpoint === undefined ? client : sameAt(endpoint, client);
    this.expiresIn = Math.floor(lifetime / 1_000);
  }

  async urlOf(key: string, served: ServedContent): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: key,
      ResponseContentType: served.contentType,
      ResponseContentDisposition: served.contentDisposition,
      ResponseContentEncoding: served.contentEncoding,
      ResponseContentLanguage: served.contentLanguage,
    });
    return getSignedUrl(this.client, command, { expiresIn: this.expiresIn });
  }
}

/** The host is part of what is signed: it has to be the one that clients ask. */
function sameAt(endpoint: string, { config }: S3Client): S3Client {
  return new S3Client({
    endpoint,
    region: config.region,
    credentials: config.credentials,
    forcePathStyle: config.forcePathStyle,
  });
}
