import * as z from 'zod/mini';
import type { AdminClient } from '../lib/admin-client.ts';
import { httpText } from '../lib/http-text.ts';
import { CliError } from '../lib/errors.ts';

/** The part of a manifest about the gateway: the account of its own documents, and the origins for which callers sign. */
export type DescribedGateway = {
  readonly gatewayAccount: string;
  readonly audiences: readonly string[];
};

const schema = z.looseObject({
  gateway_account: z.string().check(z.maxLength(128)),
  audiences: z.array(z.string().check(z.maxLength(256))).check(z.minLength(1), z.maxLength(64)),
});

/** Reads `/.well-known/agent-intent`. @throws CliError */
export const describedGateway = async ({
  gateway,
  session,
}: AdminClient): Promise<DescribedGateway> => {
  const text = await httpText(`${gateway}/.well-known/agent-intent`, session.signal);
  const read = schema.safeParse(text === undefined ? undefined : jsonIn(text));
  if (read.success)
    return { gatewayAccount: read.data.gateway_account, audiences: read.data.audiences };
  throw new CliError(`${gateway} does not describe itself as a Countersign gateway.`, {
    hint: 'Correct --gateway. `countersign doctor` checks each part.',
    code: 'no_gateway',
  });
};

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The public keys that a verifier needs, by file name: those of receipts, and those of the transparency log of some years. */
export const keyFiles = async (
  { gateway, session }: AdminClient,
  years: readonly number[],
): Promise<Readonly<Record<string, string>>> => {
  const paths = ['/.well-known/jwks.json', ...years.map((year) => `/log/${year}/keys`)];
  const [receiptKeys, ...logKeys] = await Promise.all(
    paths.map(async (path) => await httpText(gateway + path, session.signal)),
  );
  return {
    ...(receiptKeys === undefined ? {} : { 'jwks.json': receiptKeys }),
    ...(logKeys.length === 0 ? {} : { 'log-key': logKeys.join('') }),
  };
};
