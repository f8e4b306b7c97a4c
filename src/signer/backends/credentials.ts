import * as z from 'zod/mini';
import { err, ok, type Result } from '../../core/result.ts';

/** Credentials of a user or role in AWS that may call `kms:Sign` and `kms:GetPublicKey`. */
export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Only for temporary credentials. */
  readonly sessionToken: string | undefined;
};

/** The key of a service account in Google Cloud with the role `roles/cloudkms.signerVerifier`. */
export type GoogleCredentials = {
  readonly email: string;
  readonly keyId: string;
  /** PKCS#8 in PEM, an RSA key. */
  readonly privateKey: string;
};

/** A key file of Google has 2.3 KB; a Worker secret holds at most 5 KB. */
const MAX_CHARACTERS = 5_120;

const text = z.string().check(z.minLength(1), z.maxLength(2_048));

const awsSchema = z.strictObject({
  accessKeyId: z.string().check(z.regex(/^[A-Z0-9]{16,128}$/)),
  secretAccessKey: z.string().check(z.regex(/^[A-Za-z0-9/+=]{16,128}$/)),
  sessionToken: z.optional(z.string().check(z.regex(/^[A-Za-z0-9/+=]{1,4096}$/))),
});

/** The members of the file that Google's console and `gcloud iam service-accounts keys create` write. */
const googleSchema = z.strictObject({
  type: z.literal('service_account'),
  client_email: z
    .string()
    .check(z.regex(/^[a-z0-9-]{1,63}@[a-z0-9.-]{1,128}\.gserviceaccount\.com$/)),
  private_key_id: z.string().check(z.regex(/^[0-9a-f]{8,64}$/)),
  private_key: z
    .string()
    .check(
      z.regex(/^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,4096}-----END PRIVATE KEY-----\n$/),
    ),
  // The URLs are never used: a manipulated file must not choose where a token is sent.
  ...{ project_id: z.optional(text), client_id: z.optional(text), auth_uri: z.optional(text) },
  ...{ token_uri: z.optional(text), auth_provider_x509_cert_url: z.optional(text) },
  client_x509_cert_url: z.optional(text),
  // Other universes have another host.
  universe_domain: z.optional(z.literal('googleapis.com')),
});

/**
 * Reads the credentials for AWS KMS from a Worker secret: JSON with `accessKeyId`, `secretAccessKey` and, for temporary ones,
 * `sessionToken`. The reason of a refusal names members, never values.
 */
export const readAwsCredentials = (json: string): Result<AwsCredentials, string> => {
  const read = parse(json, awsSchema);
  return read.ok ? ok({ sessionToken: undefined, ...read.value }) : read;
};

/** Reads the credentials for Google Cloud KMS from a Worker secret: the key file of a service account, as Google writes it. */
export const readGoogleCredentials = (json: string): Result<GoogleCredentials, string> => {
  const read = parse(json, googleSchema);
  if (!read.ok) return read;
  const { client_email: email, private_key_id: keyId, private_key: privateKey } = read.value;
  return ok({ email, keyId, privateKey });
};

const parse = <T>(json: string, schema: z.ZodMiniType<T>): Result<T, string> => {
  if (json.length > MAX_CHARACTERS) return err(`must have at most ${MAX_CHARACTERS} characters`);
  const read = schema.safeParse(parseJson(json));
  if (read.success) return ok(read.data);
  const members = read.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.') || 'JSON'],
  );
  return err(`has wrong members: ${[...new Set(members)].slice(0, 8).join(', ').slice(0, 256)}`);
};

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};
