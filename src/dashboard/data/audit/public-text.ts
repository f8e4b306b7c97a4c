import { answered } from '../gateway/problem.ts';

/** A public text of the gateway, e.g. its keys; undefined if there is no such text. @throws on a failed request */
export const publicText = async (path: string): Promise<string | undefined> => {
  const answer = await answered(fetch(path, { redirect: 'manual', cache: 'no-store' }));
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`The gateway answered ${answer.status} for ${path}.`);
  return await answer.text();
};

/** The keys that verify receipts of this gateway, a JWK set. @throws if it publishes none */
export const receiptKeys = async (): Promise<string> => {
  const text = await publicText('/.well-known/jwks.json');
  if (text === undefined) throw new Error('The gateway publishes no keys for receipts.');
  return text;
};

/** The keys of the log of one year, a list as verifiers read it; undefined without a log. @throws on a failed request */
export const logKeysOf = async (year: number): Promise<string | undefined> =>
  await publicText(`/log/${year}/keys`);
