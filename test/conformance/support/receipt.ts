import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { World } from './world.ts';

const keys = new WeakMap<World, Promise<JSONWebKeySet>>();

/** The published keys of the gateway, fetched once. */
export const publishedKeys = async (world: World): Promise<JSONWebKeySet> => {
  const url = `${world.stack.description.gateway}/.well-known/jwks.json`;
  const known =
    keys.get(world) ?? fetch(url).then(async (answer) => (await answer.json()) as JSONWebKeySet);
  keys.set(world, known);
  return await known;
};

/** Verifies a JWS of the gateway with its published keys and returns its claims. */
export const verify = async (world: World, token: string, type: string): Promise<JWTPayload> => {
  const set = createLocalJWKSet(await publishedKeys(world));
  const { payload } = await jwtVerify(token, set, { typ: type, algorithms: ['EdDSA', 'Ed25519'] });
  return payload;
};

/** The claims of an answer's verified `Agent-Receipt`. */
export const claimsOf = async (world: World, answer: Response): Promise<JWTPayload> =>
  await verify(world, answer.headers.get('Agent-Receipt') ?? '', 'agent-receipt+jwt');
