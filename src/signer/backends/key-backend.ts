import type { Clock } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isLoopbackHost } from '../../protocol/egress-url.ts';
import type { FieldFault } from '../../protocol/fault.ts';
import type { KeyBackend } from './backend.ts';
import { readAwsCredentials, readGoogleCredentials } from './credentials.ts';

/** Settings of the signer by name, as texts. An empty or missing one leaves its service out. */
export type KeyBackendSettings = {
  /** Secret: JSON with `accessKeyId`, `secretAccessKey` and, for temporary credentials, `sessionToken`. */
  readonly AWS_KMS_CREDENTIALS?: string;
  /** Secret: the key file of a service account. */
  readonly GOOGLE_KMS_CREDENTIALS?: string;
  /** Origins of services on this machine, for the local stack. */
  readonly AWS_KMS_ENDPOINT?: string;
  readonly GOOGLE_KMS_ENDPOINT?: string;
};

type Opened = { readonly aws: KeyBackend | undefined; readonly google: KeyBackend | undefined };

/**
 * Opens the key management services that the operator has configured. A key of another service is `denied`.
 *
 * @returns a fault names the setting, never its value
 */
export const openKeyBackend = async (
  settings: KeyBackendSettings,
  clock: Clock,
): Promise<Result<KeyBackend, FieldFault>> => {
  const { AWS_KMS_ENDPOINT, GOOGLE_KMS_ENDPOINT } = settings;
  for (const [field, origin] of Object.entries({ AWS_KMS_ENDPOINT, GOOGLE_KMS_ENDPOINT })) {
    if (given(origin) && !isLoopbackHost(URL.parse(origin ?? '')?.hostname ?? '')) {
      // Anyone who reads a request can send a signed copy of it to the service for a quarter of an hour.
      return err({ field, reason: 'must be an origin on this machine' });
    }
  }
  const aws = await openAws(settings, clock);
  if (!aws.ok) return aws;
  const google = await openGoogle(settings, clock);
  if (!google.ok) return google;
  return ok(dispatching({ aws: aws.value, google: google.value }));
};

const openAws = async (
  { AWS_KMS_CREDENTIALS: json, AWS_KMS_ENDPOINT: origin }: KeyBackendSettings,
  clock: Clock,
): Promise<Result<KeyBackend | undefined, FieldFault>> => {
  if (!given(json)) return ok(undefined);
  const read = readAwsCredentials(json);
  if (!read.ok) return err({ field: 'AWS_KMS_CREDENTIALS', reason: read.error });
  const { openAwsKms } = await import('./aws-kms.ts');
  return ok(openAwsKms(read.value, clock, given(origin) ? origin : undefined));
};

const openGoogle = async (
  { GOOGLE_KMS_CREDENTIALS: json, GOOGLE_KMS_ENDPOINT: origin }: KeyBackendSettings,
  clock: Clock,
): Promise<Result<KeyBackend | undefined, FieldFault>> => {
  if (!given(json)) return ok(undefined);
  const read = readGoogleCredentials(json);
  if (!read.ok) return err({ field: 'GOOGLE_KMS_CREDENTIALS', reason: read.error });
  const { openGoogleKms } = await import('./google-kms.ts');
  return ok(openGoogleKms(read.value, clock, given(origin) ? origin : undefined));
};

const given = (text: string | undefined): text is string => text !== undefined && text !== '';

const dispatching = ({ aws, google }: Opened): KeyBackend => {
  const backendOf = { 'aws-kms': aws, 'google-kms': google } as const;
  return {
    address: async (key) =>
      (await backendOf[key.service]?.address(key)) ??
      err({ kind: 'denied', detail: `no credentials for ${key.service}` }),
    sign: async (key, digest, expected) =>
      (await backendOf[key.service]?.sign(key, digest, expected)) ??
      err({ kind: 'denied', detail: `no credentials for ${key.service}` }),
  };
};
