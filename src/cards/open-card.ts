import type { Tool } from '../catalog/tool.ts';
import { upstreamUrlOf } from '../catalog/upstream.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readEgressUrl } from '../protocol/egress-url.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { SecretFetcher } from '../vault/egress.ts';
import { openEgress, type VaultDeps } from '../vault/vault.ts';
import type { CardCall } from './card-call.ts';
import { cardServiceUrl } from './card-settings.ts';
import { openCardTable } from './card-table.ts';
import { cardOf, type IssuingCard, type ProxiedCard } from './card-terms.ts';
import { openIssuing } from './issuing.ts';
import { type Issuer, openIssuer } from './stripe-card.ts';
import { openVaultProxy, vaultPlacements } from './vault-proxy.ts';

/** Opens the fetcher of a call that its account has reserved. */
export type OpenCardFetcher = (call: CardCall) => SecretFetcher;

const UNAVAILABLE: Reason = { reason: 'secret_unavailable' };

const unavailable = (tool: Pick<Tool, 'id'>, detail: Readonly<Record<string, unknown>>) => {
  console.error({ event: 'card_unavailable', tool: tool.id, ...detail });
  return err(UNAVAILABLE);
};

/**
 * Opens the card of a tool: its terms are valid, and every secret that it needs exists, is bound to the right host, and opens. Checked before the
 * call is reserved, so that no amount is held for a call that cannot run.
 */
export const openCard = async (
  deps: VaultDeps,
  tool: Tool,
): Promise<Result<OpenCardFetcher, Reason>> => {
  const card = cardOf(tool);
  if (!card.ok) return unavailable(tool, { faults: card.error });
  return card.value.way === 'issuing'
    ? await openOneTimeCard(deps, tool, card.value)
    : await openProxiedCard(deps, tool, card.value);
};

const openOneTimeCard = async (
  deps: VaultDeps,
  tool: Tool,
  card: IssuingCard,
): Promise<Result<OpenCardFetcher, Reason>> => {
  const issuer = await openIssuerOf(deps, { tool: tool.id, secret: card.key });
  if (!issuer.ok) return issuer;
  const merchant =
    tool.secrets.length === 0 ? ok(plainFetcher(deps, tool)) : await openEgress(deps, tool);
  if (!merchant.ok) return merchant;
  const table = openCardTable(deps.db);
  const issuing = { tool, card, issuer: issuer.value, table, merchant: merchant.value };
  return ok((call) => openIssuing(issuing, call));
};

/** A merchant without credentials of its own. */
const plainFetcher = ({ reach, upstreamUrl }: VaultDeps, tool: Tool): SecretFetcher => ({
  fetch: async (url, init) => {
    const read = readEgressUrl(url, reach);
    if (!read.ok || url !== upstreamUrlOf(tool, tool.path, upstreamUrl))
      throw new Error('the card is bound to another merchant');
    return await fetch(url, { ...init, redirect: 'manual' });
  },
});

/** Opens the issuer with its key. The sweep also uses this: it knows only the names of the tool and the secret. */
export const openIssuerOf = async (
  deps: VaultDeps,
  { tool, secret }: { readonly tool: string; readonly secret: string },
): Promise<Result<Issuer, Reason>> => {
  const origin = cardServiceUrl(deps.env, 'CARD_ISSUER_URL', deps.reach);
  if (!origin.ok) return unavailable({ id: tool }, { fault: `CARD_ISSUER_URL ${origin.error}` });
  const secrets = [{ in: 'header', secret, name: 'authorization', prefix: 'Bearer ' }];
  const key = await openEgress(deps, serviceTool(tool, origin.value, secrets));
  return key.ok ? ok(openIssuer(key.value, origin.value)) : key;
};

const openProxiedCard = async (
  deps: VaultDeps,
  tool: Tool,
  card: ProxiedCard,
): Promise<Result<OpenCardFetcher, Reason>> => {
  const origin = cardServiceUrl(deps.env, 'CARD_VAULT_URL', deps.reach);
  if (!origin.ok) return unavailable(tool, { fault: `CARD_VAULT_URL ${origin.error}` });
  const vault = await openEgress(deps, serviceTool(tool.id, origin.value, vaultPlacements(card)));
  if (!vault.ok) return vault;
  return ok((call) => openVaultProxy({ card, vault: vault.value, origin: origin.value }, call));
};

/** What the vault must know about a service: the host to which its secrets are bound, and the tool that uses them. */
const serviceTool = (id: string, upstream: string, secrets: Tool['secrets']) => ({
  ...{ id, upstream, secrets, path: '/' },
});
