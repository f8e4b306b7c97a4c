import type { Standing } from '../protocol/account/standing.ts';
import { accountTool } from '../catalog/own-tool.ts';
import { accountId } from '../protocol/account-id.ts';
import { limitBody } from '../protocol/limit.ts';
import { problem } from '../protocol/problem/problem.ts';
import { PRIVATE } from './answer.ts';
import { readAsking } from './asker.ts';
import { clientOf } from './client.ts';
import type { Gateway } from './gateway.ts';
import { readOwnHead } from './head.ts';
import { askOwn } from './question.ts';

/** `GET /accounts/me`: how the account that signed stands: what binds it, what is left of each limit, credit, unsettled money, debt. */
export const standing = async (gateway: Gateway, request: Request): Promise<Response> => {
  const head = readOwnHead(request, gateway.config, accountTool);
  if (!head.ok) return problem(head.error);
  const asking = await readAsking(gateway, accountTool, request, head.value);
  if (!asking.ok) return asking.error;
  const { asker } = asking.value;
  const account = accountId(asker.network, asker.payer);
  const found = await askOwn(gateway, asker, clientOf(request.headers), (own, known) =>
    own.standing({ account, ...known }),
  );
  if (!found.ok) return problem(found.error);
  return found.value.verdict === 'found'
    ? Response.json(standingBody(found.value.standing), { headers: PRIVATE })
    : problem({ reason: 'unknown_account' });
};

/** The wire form, of known members only. */
export const standingBody = ({
  account,
  status,
  revision,
  parent,
  policies,
  grants,
  money,
}: Standing) => ({
  account,
  status,
  revision,
  ...(parent === undefined ? {} : { parent }),
  policies,
  grants: grants.map(({ validUntil, isDefault, ...grant }) => ({
    ...grant,
    valid_until: validUntil,
    is_default: isDefault,
  })),
  money: money.map(({ creditHeld, creditLent, limits, ...purse }) => ({
    ...purse,
    credit_held: creditHeld,
    credit_lent: creditLent,
    limits: limits.map(limitBody),
  })),
});
