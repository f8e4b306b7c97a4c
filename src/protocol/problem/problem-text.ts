import { formatDollars } from '../amount.ts';
import { denialMembers, retryAfterOf } from './denial.ts';
import type { Money, Reason } from './reason.ts';
import { unreachable } from '../../core/result.ts';

/** What a reason says, before it is an RFC 9457 problem. */
export type ProblemText = {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
};

const MAX_VALIDITY = 300;

/** About this request alone: an earlier one with the same proof may have been charged. */
const FREE = 'This request charged nothing.';

const CORRECT = `Correct the field and send the request again. ${FREE}`;

/** For a request that may carry a signature or none, and whose outcome is open. */
const AGAIN =
  'Send the same request again after `retry_after` seconds. If it carries a signature, keep that signature: a new one could pay twice.';

/** For a signed call whose outcome is open. */
const REPEAT =
  'Repeat the same request with the same signature, and its Agent-Retry-Key or payment-identifier, after `retry_after` seconds; ' +
  'do not sign again.';

const retry = (seconds: number) => ({ 'Retry-After': seconds.toString() });

/** One exhaustive switch: a reason without words does not build. No word of a cause, a secret or another caller is in any of them. */
export const problemText = (reason: Reason): ProblemText => {
  switch (reason.reason) {
    case 'malformed_header':
    case 'malformed_field':
    case 'unknown_field':
    case 'duplicate_header':
    case 'malformed_request':
      return {
        status: 400,
        title: 'Malformed request',
        detail: `${reason.field} ${reason.hint}.`,
        hint: CORRECT,
        more: { field: reason.field },
      };
    case 'malformed_policy':
      return {
        status: 400,
        title: 'Malformed policy',
        detail: `${reason.field} ${reason.hint}.`,
        hint: 'Correct the field and send the policy again. The account keeps the policy it has.',
        more: { field: reason.field },
      };
    case 'too_large':
      return {
        status: 431,
        title: 'Header too large',
        detail: `${reason.field} ${reason.hint}.`,
        hint: `Send a shorter header. ${FREE}`,
        more: { field: reason.field },
      };
    case 'unsupported_version':
    case 'unsupported_scheme':
    case 'unsupported_network':
      return {
        status: 400,
        ...unsupported(reason.field),
        detail: `${reason.field} ${reason.hint}.`,
        more: { field: reason.field },
      };
    case 'retry_key_mismatch':
      return {
        status: 400,
        title: 'Wrong retry key',
        detail: `${reason.field} ${reason.hint}.`,
        hint:
          'Send the 32 bytes whose SHA-256 commitment is the nonce of the AgentIntent, or no Agent-Retry-Key. ' +
          `If they are lost, GET /calls/<call id> with a new Agent-Intent gives the outcome. ${FREE}`,
        more: { field: reason.field },
      };
    case 'unsupported_signature':
      return {
        status: 400,
        title: 'Unsupported signature',
        detail:
          'The gateway takes no ERC-6492 signatures, nor others that wrap the signature of an account without code.',
        hint: `Deploy the account first, or sign with a plain key. ${FREE}`,
        more: { field: reason.field },
      };
    case 'requirement_mismatch':
    case 'recipient_mismatch':
    case 'value_mismatch':
    case 'zero_payer':
      return mismatch(
        reason,
        'Payment does not match the offer',
        'Ask for a new offer by sending the request without a payment, then sign exactly what it says.',
      );
    case 'intent_mismatch':
      return mismatch(
        reason,
        'Intent does not match the request',
        reason.field.endsWith('.authorization.validAfter')
          ? 'Sign the payment with the validAfter that `expected` gives: it states under the signature that the payment is bound to an intent.'
          : 'Sign an intent for exactly the request you send: same audience, tool, method, URL, content type and body, and for a paid tool its payTo, asset and a maxAmount of at least the price.',
      );
    case 'empty_window':
    case 'window_too_long':
    case 'valid_too_long':
      return mismatch(
        reason,
        'Validity out of bounds',
        'Sign again with times inside the bound that `expected` gives. Times are Unix seconds.',
      );
    case 'not_yet_valid':
      return mismatch(
        reason,
        'Not yet valid',
        'Compare your clock with the Date header, then sign again with an earlier validAfter, or wait.',
      );
    case 'expired':
      return mismatch(
        reason,
        'Expired',
        'Ask GET /calls/<id> whether an earlier request with this signature ran; if none did, sign again with a later validBefore.',
      );
    case 'proof_too_old':
      return {
        status: 400,
        title: 'Proof too old',
        detail: `${reason.field} is more than 24 hours ago. The gateway does not look up calls by a proof this old.`,
        hint: `Look the call up with a fresh Agent-Intent: GET /calls/${reason.call ?? '<call id>'}. To run the tool again, sign a new proof.`,
        more: {
          field: reason.field,
          expected: reason.expected,
          got: reason.got,
          ...(reason.call === undefined ? {} : { call: reason.call }),
        },
      };
    case 'invalid_signature':
      return {
        status: 400,
        title: 'Invalid signature',
        detail: `The signature does not verify for the signed fields and the named account (${reason.fault}).`,
        hint: `Sign the typed data with the key of the named account: 65 bytes, v 27 or 28, low s. ${FREE}`,
        more: { field: reason.field, fault: reason.fault },
      };
    case 'binding_required':
      return {
        status: 400,
        title: 'Binding required',
        detail: BINDING_DETAILS[reason.because],
        hint: bindingHint(reason.version, reason.because),
        more: { field: reason.field },
      };
    case 'too_many_proofs':
      return {
        status: 400,
        title: 'Too many proofs',
        detail: `Only one of these may be sent: ${reason.fields.join(', ')}.`,
        hint: `Send exactly one proof. ${FREE}`,
        more: { field: reason.fields.join(', ') },
      };
    case 'not_found':
      return {
        status: 404,
        title: 'Not found',
        detail: 'The gateway serves nothing at this path.',
        hint: `Check the path, its upper and lower case included. ${FREE}`,
      };
    case 'method_not_allowed':
      return {
        status: 405,
        title: 'Method not allowed',
        detail: 'The gateway takes other methods at this path.',
        hint: `Use ${reason.allow.join(' or ')}. ${FREE}`,
        more: { field: 'method', allow: reason.allow },
        headers: { Allow: reason.allow.join(', ') },
      };
    case 'not_canonical':
      return {
        status: 400,
        title: 'URL not canonical',
        detail: `The URL ${reason.hint}.`,
        hint: `Send the path, and sign it where you sign, in its one canonical form. ${FREE}`,
        more: { field: 'target' },
      };
    case 'target_too_long':
      return {
        status: 414,
        title: 'URL too long',
        detail: `Path and query together may have ${reason.limit} characters.`,
        hint: `Shorten the query, or send the data in the body. ${FREE}`,
        more: { field: 'target', limit: reason.limit },
      };
    case 'body_too_large':
      return {
        status: 413,
        title: 'Body too large',
        detail: `The gateway takes bodies of at most ${reason.limit} bytes at this path.`,
        hint: `Send a smaller body. ${FREE}`,
        more: { field: 'body', limit: reason.limit },
      };
    case 'body_incomplete':
      return {
        status: 400,
        title: 'Body incomplete',
        detail: 'The connection ended before the whole body had arrived.',
        hint: `Send the same request again; a signature it carries is still good. ${FREE}`,
        more: { field: 'body' },
      };
    case 'content_encoding':
      return {
        status: 415,
        title: 'Content-Encoding not accepted',
        detail: 'The tool must receive the very bytes that the caller signs.',
        hint: `Send the body without Content-Encoding. ${FREE}`,
        more: { field: 'content-encoding' },
        headers: { 'Accept-Encoding': 'identity' },
      };
    case 'payment_required':
      return { status: 402, title: 'Payment required', ...WANTED[reason.wants] };
    case 'intent_required':
      return {
        status: 401,
        title: 'Signature required',
        detail: 'The gateway answers this request only with the signature of an account.',
        hint: 'Sign an AgentIntent with the fields of `intent` for this request and send it in the header Agent-Intent.',
        more: {
          audience: reason.audience,
          networks: reason.networks,
          max_validity: MAX_VALIDITY,
          tool: reason.tool,
          intent: reason.intent,
        },
        headers: {
          'WWW-Authenticate':
            `AgentIntent error="intent_required", audience=${quoted(reason.audience)}, ` +
            `chains=${quoted(reason.networks.join(' '))}, max_validity="${MAX_VALIDITY}", ` +
            `tool=${quoted(reason.tool)}`,
        },
      };
    case 'in_progress':
      return {
        status: 409,
        title: 'Call in progress',
        detail: 'This call has not ended: its payment is settling, or its tool is running.',
        hint: REPEAT,
        headers: retry(reason.retryAfter),
      };
    case 'conflict':
      return {
        status: 409,
        title: 'Proof used for another request',
        detail:
          'An earlier, different request carried this signature or its payment-identifier; either buys one execution only.',
        hint: `Sign a new proof for this request, under a new payment-identifier. ${FREE}`,
      };
    case 'already_used':
      if (!('call' in reason)) return USED_ORDER;
      return {
        status: 409,
        title: 'Proof already used',
        detail: 'The call of this signature has ended; the signature runs nothing any more.',
        hint:
          'The gateway gives the outcome again to a repeat with the Agent-Retry-Key of the intent or the payment-identifier of the ' +
          `first request, and says what became of the call and its money for GET /calls/${reason.call} with a new Agent-Intent of ` +
          'the payer. Sign a new proof, under a new payment-identifier, to run the tool again.',
      };
    case 'unknown_call':
      return {
        status: 404,
        title: 'No such call',
        detail: 'The account that signed has no call of this id here.',
        hint: 'Ask with an Agent-Intent of the account that made the call, on the chain it paid on. Calls are forgotten some time after they are settled.',
      };
    case 'forbidden':
      return {
        status: 403,
        title: 'Forbidden',
        detail: 'The account that signed may not do this.',
        hint: 'Sign with a key of an operator of this gateway; what an owner decides, with that of the account above; what concerns a grant, with that of its issuer or delegate.',
      };
    case 'unknown_transaction':
      return {
        status: 404,
        title: 'No such transaction',
        detail: 'The chain of the account has no successful transaction of this hash.',
        hint: 'Check the hash and the chain. A transaction that was just sent is found once it is in a block.',
        more: { field: 'transaction' },
      };
    case 'transaction_not_final':
      return {
        status: 409,
        title: 'Transaction not final',
        detail: 'The transaction is in a block that may still be reorganised away.',
        hint: 'Send the command again after `retry_after` seconds.',
        more: { field: 'transaction' },
        headers: retry(reason.retryAfter),
      };
    case 'no_refund':
      return {
        status: 409,
        title: 'No such transfer',
        detail: 'The transaction holds no such transfer of the paid token to the account.',
        hint: 'Only a transfer from the payTo of the chain or from an operator, in the log that log_index names if it is given, counts as a refund.',
        more: { field: 'transaction' },
      };
    case 'grant_refused':
      return mismatch(
        reason,
        'Grant refused',
        'Sign a grant for this gateway that is nowhere wider than what its issuer holds: `expected` says how wide.',
        'This grant is not in force.',
      );
    case 'already_registered':
      return {
        ...tree(
          409,
          'Already registered',
          'The gateway has a grant of this issuer and id.',
          'For the same grant nothing is left to do. Give another grant a new id.',
          reason.field,
        ),
        ...('grant' in reason ? { more: { field: reason.field, grant: reason.grant } } : {}),
      };
    case 'grant_revoked':
      return tree(
        409,
        'Grant revoked',
        'The id is revoked, or the epoch is below what its issuer still allows.',
        'A revoked grant never comes back: sign a new one, with a new id and epoch.',
        reason.field,
      );
    case 'holds_leases':
      return tree(
        409,
        'Limits in use',
        'The account still holds a share of the limits of its present owner.',
        'Send the same request again when the account has made no call for two minutes.',
        reason.field,
      );
    case 'unknown_grant':
      return tree(
        404,
        'No such grant',
        'No such grant is registered with the account that signed.',
        'Check issuer and hash or id; register grants from the owner down.',
        reason.field,
      );
    case 'penniless':
      return tree(
        403,
        'No money shown',
        'The account that signed holds no money on this chain and has paid nothing here.',
        'Add funds to it, or let it pay for a call or a top-up, then send the same request again.',
        reason.field,
      );
    case 'unknown_account':
      return {
        status: 404,
        title: 'No such account',
        detail: 'There is no such account here, or the account that signed may not see it.',
        hint: 'An account exists from its first accepted call, top-up or grant on. Ask on the chain it uses, as the account itself or as an account above it.',
      };
    case 'unknown_tool':
      return {
        status: 404,
        title: 'No such tool',
        detail: 'The catalogue holds no tool of this id.',
        hint: 'GET /admin/tools lists them all.',
      };
    case 'unknown_document':
      return {
        status: 404,
        title: 'Nothing stored here',
        detail: `There is no ${reason.what} here.`,
        hint: 'List what there is, or store one.',
      };
    case 'precondition_failed':
      return {
        status: 412,
        title: 'Changed meanwhile',
        detail: 'The gateway stores another version than the request names. It wrote nothing.',
        hint: 'Read it again, make the change to what is there now, and send its ETag as If-Match.',
        ...(reason.current === undefined ? {} : entityTag(reason.current)),
      };
    case 'precondition_required':
      return {
        status: 428,
        title: 'If-Match required',
        detail:
          'The gateway stores something here, and the request would replace it unseen. It wrote nothing.',
        hint: 'Read it, and send its ETag as If-Match; or send If-Match: * to replace whatever is there.',
        ...entityTag(reason.current),
      };
    case 'not_writable':
      return {
        status: 409,
        title: 'Not possible now',
        detail: 'The present state does not allow this. The gateway wrote nothing.',
        hint: reason.hint,
      };
    case 'credit_too_low':
      return {
        status: 409,
        title: 'Credit too low',
        detail: `The account has ${formatDollars(BigInt(reason.credit))} of free credit, less than the command takes. The gateway wrote nothing.`,
        hint: 'Take at most `credit`, which is in atomic units.',
        more: { credit: reason.credit },
      };
    case 'malformed_document': {
      const [first] = reason.faults;
      return {
        status: 400,
        title: 'Malformed document',
        detail: reason.faults.map(({ field, reason: why }) => `${field} ${why}.`).join(' '),
        hint: 'Correct every field in `faults` and send the document again. The gateway wrote nothing.',
        more: { field: first?.field ?? 'body', faults: reason.faults },
      };
    }
    case 'denied': {
      const { detail, hint, ...more } = denialMembers(reason.denial, reason.tool, reason.price);
      const after = retryAfterOf(reason.denial);
      return {
        status: after === undefined ? 403 : 429,
        title: 'Denied',
        detail,
        hint,
        more,
        ...(after === undefined ? {} : { headers: retry(after) }),
      };
    }
    case 'settlement_unavailable':
      return {
        status: 503,
        title: 'Settlement not possible now',
        detail: 'The gateway can settle no payment now, and this call needs one settled first.',
        hint: `${REPEAT} The gateway has not used the signature. ${FREE}`,
        headers: retry(reason.retryAfter),
      };
    case 'settlement_unknown':
      return {
        status: 503,
        title: 'Settlement not known yet',
        detail: 'The chain does not show yet whether the payment moves.',
        hint: `${REPEAT} Without either the tool does not run, and a payment that moves becomes credit.`,
        headers: retry(reason.retryAfter),
      };
    case 'settlement_failed':
      return reason.fault === 'payer'
        ? {
            status: 403,
            title: 'Settlement failed',
            detail:
              'The payment cannot move: its nonce was spent or cancelled on the chain, or the account does not cover it.',
            hint: 'Make sure that the account holds the price, then sign a new payment. The tool did not run.',
            more: { retry_allowed: false },
          }
        : {
            status: 503,
            title: 'Settlement failed',
            detail:
              'The authorization ended before the payment settled. No money has moved and none will.',
            hint: 'Sign a new payment and send the request again. The tool did not run.',
            headers: retry(30),
          };
    case 'too_many_commands': {
      const { rule, account, limit, window, retryAfter, resetsAt } = reason;
      return {
        status: 429,
        title: 'Too many commands',
        detail:
          rule === 'command_bytes'
            ? `The commands of ${account} may write ${limit} bytes of log a day, and this one does not fit any more.`
            : `The account ${account} may give ${limit} commands in ${window} seconds.`,
        hint: 'This request wrote nothing. Wait `retry_after` seconds, then send it again; sign it again if its intent is over by then. Freezing, pausing and revoking have a budget of their own.',
        more: { rule, account, limit, window, resets_at: resetsAt },
        headers: retry(retryAfter),
      };
    }
    case 'too_many_requests':
      return {
        status: 429,
        title: 'Too many requests',
        detail:
          'This client or this payer sends too many requests that repeat a call or make the gateway ask the chain.',
        hint: `Wait \`retry_after\` seconds, then send the same request again, with the same signature. ${FREE}`,
        headers: retry(reason.retryAfter),
      };
    case 'paused':
      return {
        status: 503,
        title: 'Paused',
        detail:
          'The operator has paused this gateway. Calls already running are finished and settled.',
        hint: `Send the request again after \`retry_after\` seconds. ${FREE}`,
        headers: retry(60),
      };
    case 'payer_unreachable':
      return {
        status: 503,
        title: 'Chain not reachable',
        detail:
          'The gateway needs to ask the chain first, and no node of it gives a usable answer.',
        hint: `${AGAIN} ${FREE}`,
        headers: retry(5),
      };
    case 'storage_unavailable':
      return {
        status: 503,
        title: 'Storage not available',
        detail:
          'The gateway could not read or record what this request needs, or does not know whether it did.',
        hint: AGAIN,
        headers: retry(2),
      };
    case 'misconfigured':
      return {
        status: 503,
        title: 'Not configured',
        detail: reason.faults.map(({ name, reason: why }) => `${name} ${why}.`).join(' '),
        hint: `The operator must set what \`faults\` names, then deploy again. ${FREE}`,
        more: { faults: reason.faults },
      };
    case 'internal':
      return {
        status: 500,
        title: 'Internal error',
        detail: 'The gateway failed on this request.',
        hint: 'Send the same request again. If it carries a signature, keep that signature: a new one could pay twice. Tell the operator if it fails again.',
      };
    case 'upstream_timeout':
      return upstream(504, 'Tool timed out', 'The tool did not answer in time.', reason.money);
    case 'upstream_dropped':
      return upstream(
        502,
        'Tool not reachable',
        'The tool closed the connection without an answer.',
        reason.money,
      );
    case 'upstream_truncated':
      return upstream(502, 'Answer incomplete', 'The answer of the tool broke off.', reason.money);
    case 'upstream_payment':
      return upstream(
        502,
        'Tool wants payment itself',
        'The tool behind the gateway asked for a payment.',
        reason.money,
      );
    case 'upstream_redirect':
      return upstream(
        502,
        'Tool redirected',
        'The tool answered with a redirect, which the gateway does not follow.',
        reason.money,
      );
    case 'upstream_encoding':
      return upstream(
        502,
        'Answer not readable',
        'The tool answered in an encoding that was not asked for.',
        reason.money,
      );
    case 'upstream_overcharge':
      return upstream(
        502,
        'Tool charged too much',
        'The tool wanted more than this call was allowed to cost, or did not say clearly how much.',
        reason.money,
      );
    default:
      return unreachable(reason);
  }
};

type BindingRequired = Extract<Reason, { readonly reason: 'binding_required' }>;

const BINDING_DETAILS: Readonly<Record<BindingRequired['because'], string>> = {
  tool: 'This tool accepts only a payment that is bound to its request.',
  beneficiary:
    'A top-up for another account must be paid by a payment that is bound to its request.',
  marked:
    'The payer signed this payment as bound (validAfter 1131378030), but the request carries no intent. Without its intent the payment buys nothing.',
  unknown_mark:
    'The payer signed this payment as bound in a form that this gateway does not know (validAfter 1131378031 to 1131378285).',
};

const bindingHint = (version: 1 | 2, because: BindingRequired['because']): string => {
  if (because === 'unknown_mark') {
    return `Sign validAfter 1131378030 and send the intent, or sign a plain payment with a validAfter outside the reserved values. ${FREE}`;
  }
  if (because === 'marked') {
    return version === 1
      ? `An X-PAYMENT of x402 version 1 cannot carry an intent. Send the same authorization in the header PAYMENT-SIGNATURE (version 2) with the intent it was signed for. ${FREE}`
      : `Send the intent that the payment was signed for in extensions["agent-intent"].info.intent. This request did not use up the signature. ${FREE}`;
  }
  return version === 1
    ? 'An X-PAYMENT of x402 version 1 cannot carry an intent. Pay with the header PAYMENT-SIGNATURE (version 2) and the intent in ' +
        `extensions["agent-intent"].info.intent, or from credit with the header Agent-Intent. ${FREE}`
    : 'Put the intent into extensions["agent-intent"].info.intent of the header PAYMENT-SIGNATURE, and sign the payment with the ' +
        `digest of the intent as its nonce and 1131378030 as its validAfter. ${FREE}`;
};

type Wants = Extract<Reason, { readonly reason: 'payment_required' }>['wants'];

/** What the 402 asks for: a client that signs what the tool does not take has signed for nothing. */
const WANTED: Readonly<Record<Wants, Pick<ProblemText, 'detail' | 'hint'>>> = {
  payment: {
    detail: 'The caller pays for this request.',
    hint: 'Sign one entry of `accepts` with your wallet and send the request again with PAYMENT-SIGNATURE.',
  },
  bound_payment: {
    detail: 'The caller pays for this request, by a payment that is bound to it.',
    hint:
      'Sign an AgentIntent for this request and one entry of `accepts` with the digest of that intent as nonce and 1131378030 as validAfter, put the intent into ' +
      'extensions["agent-intent"].info.intent, and send the request again with PAYMENT-SIGNATURE.',
  },
  credit: {
    detail: 'The caller pays for this request from credit; the tool takes no payment.',
    hint:
      'Buy credit with a POST to `credit.top_up`, then send the request again with the header Agent-Intent: an AgentIntent whose payTo ' +
      'and asset are those of an entry of `accepts`, and whose maxAmount is the most that the call may take.',
  },
};

/** What to send instead of an unsupported document, intent or payment. */
const unsupported = (field: string): Pick<ProblemText, 'title' | 'hint'> => {
  if (field.startsWith('body')) return { title: 'Not supported', hint: CORRECT };
  return /^agent-intent/i.test(field)
    ? {
        title: 'Unsupported intent',
        hint: `Sign an intent in the form, and for a chain, that this gateway takes. ${FREE}`,
      }
    : {
        title: 'Unsupported payment',
        hint: `Send the request without a payment, and pay by an entry of \`accepts\` in the answer. ${FREE}`,
      };
};

const mismatch = (
  reason: { readonly field: string; readonly expected: string; readonly got: string },
  title: string,
  hint: string,
  effect: string = FREE,
): ProblemText => ({
  status: 400,
  title,
  detail: `${reason.field} is not what it must be. ${effect}`,
  hint,
  more: { field: reason.field, expected: reason.expected, got: reason.got },
});

/** About a document in the body. Nothing of it was written, or nothing new. */
const tree = (
  status: number,
  title: string,
  detail: string,
  hint: string,
  field: string,
): ProblemText => ({ status, title, detail, hint, more: { field } });

const MONEY: Readonly<Record<Money, string>> = {
  untouched: 'The call charged nothing. To try again, sign a new proof.',
  credited:
    'The payment had moved before the tool failed, so the amount is credit of the paying account now: its next call that the credit covers takes it from there. To try again, sign a new proof.',
  held: 'The tool may have acted, so the gateway keeps the amount reserved until the operator resolves the call. Do not sign again before.',
  charged: 'The operator has resolved this call: the amount is charged.',
};

/** An order of an owner or operator is carried out once (a call's own words speak of money). */
const USED_ORDER: ProblemText = {
  status: 409,
  title: 'Command already used',
  detail: 'The gateway has carried out the one command of this signature.',
  hint: 'Read what the gateway stores now; sign a new intent to give the command again.',
};

/** What is stored, so that the next request can name it. */
const entityTag = (current: string) => ({
  more: { current },
  headers: { ETag: quoted(current) },
});

const upstream = (status: number, title: string, detail: string, money: Money): ProblemText => ({
  status,
  title,
  detail,
  hint: MONEY[money],
  more: { money },
});

/** A quoted-string of RFC 9110 section 5.6.4. */
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, (sign) => `\\${sign}`)}"`;
