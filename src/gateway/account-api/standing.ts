import { accountTool } from '../../catalog/gateway-tools.ts';
import type { Standing } from '../../protocol/account/standing.ts';
import { accountId } from '../../protocol/account-id.ts';
import { limitBody } from '../../protocol/limit.ts';
import { problem } from '../../protocol/problem/problem.ts';
import { PRIVATE } from '../answer-headers.ts';
import type { Gateway } from '../gateway.ts';
import { observeOwnHead } from '../observe.ts';
import { clientOf } from '../rate-limit.ts';
import { askAccount } from './ask-account.ts';
import { authenticate } from './authenticate.ts';

/** `GET /accounts/me`: the signer's own account: its policies and grants, what remains of each limit, credit, unsettled money, debt. */
export const standing = async (gateway: Gateway, request: Request): Promise<Response> => {
  const head = observeOwnHead(request, gateway.config, accountTool);
  if (!head.ok) return problem(head.error);
  const authenticated = await authenticate(gateway, accountTool, request, head.value);
  if (!authenticated.ok) return authenticated.error;
  const { signer } = authenticated.value;
  const account = accountId(signer.network, signer.payer);
  const found = await askAccount(gateway, signer, clientOf(request.headers), (own, facts) =>
    own.standing({ account, ...facts }),
  );
  if (!found.ok) return problem(found.error);
  return found.value.verdict === 'found'
    ? Response.json(standingBody(found.value.standing), { headers: PRIVATE })
    : problem({ reason: 'unknown_account' });
};

/** The wire form. It lists known members only, so that a new internal field does not leak. */
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
