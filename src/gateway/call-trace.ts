import type { Tool } from '../catalog/tool.ts';
import type { Result } from '../core/result.ts';
import type { FinishVerdict } from '../protocol/account/call-verdict.ts';
import { accountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { RecordedTrace } from '../tracing/recorded-trace.ts';
import type { Attributes } from '../tracing/table.ts';
import type {
  CheckedProof,
  DispatchResult,
  ReceivedRequest,
  RequestHead,
  ReservedCall,
} from './paid-request.ts';
import type { NoProof, Proof } from './proof.ts';

/** The results of the steps of a call. Spans are described by them alone, so a step need not know that it is traced. */
export type StepResults = {
  readonly observe: Result<
    { readonly head: RequestHead; readonly tool: Tool } | ReceivedRequest,
    Reason
  >;
  readonly proof: Result<Proof | NoProof, Reason>;
  readonly check: Result<CheckedProof, Reason>;
  readonly reserve: Result<ReservedCall, Reason>;
  readonly settle: Result<ReservedCall, Reason>;
  readonly dispatch: DispatchResult;
  readonly finish: FinishVerdict;
};

type Step = keyof StepResults;

/** Records the steps of a call. An isolate loads this with its first traced request. */
export type CallTrace = RecordedTrace & {
  /** Runs a step in its span, and describes the span by the step's result and the caller's `traceparent`. */
  readonly step: <Name extends Step, T extends StepResults[Name] | Promise<StepResults[Name]>>(
    name: Name,
    work: () => T,
    headers?: Headers,
  ) => T;
};

export const openCallTrace = (trace: RecordedTrace): CallTrace => ({
  ...trace,
  step: (name, work, headers) =>
    trace.inSpan(name, (span) => {
      const caller = headers?.get('traceparent') ?? undefined;
      if (caller !== undefined) span.set({ 'countersign.caller.traceparent': caller });
      const result = work();
      if (!(result instanceof Promise)) {
        span.set(attributesOf(name, result as never));
        return result;
      }
      const described = result.then((ended) => {
        span.set(attributesOf(name, ended as never));
        return ended;
      });
      return described as typeof result;
    }),
});

const attributesOf = <Name extends Step>(name: Name, result: StepResults[Name]): Attributes =>
  (DESCRIBED[name] as (ended: StepResults[Name]) => Attributes)(result);

const DESCRIBED: { readonly [Name in Step]: (result: StepResults[Name]) => Attributes } = {
  observe: (observed) => {
    if (!observed.ok) return failed(observed.error);
    const { method, tool } = 'head' in observed.value ? observed.value.head : observed.value;
    return { 'http.request.method': method, 'countersign.tool': tool };
  },
  proof: (read) => (read.ok ? { 'countersign.verdict': read.value.kind } : failed(read.error)),
  check: (checked) => (checked.ok ? checkedAttributes(checked.value) : failed(checked.error)),
  reserve: (reserved) => (reserved.ok ? decided(reserved.value) : failed(reserved.error)),
  settle: (settled) => (settled.ok ? decided(settled.value) : failed(settled.error)),
  dispatch: (dispatched) =>
    dispatched.kind === 'failed'
      ? { 'error.type': dispatched.reason }
      : {
          'http.response.status_code': dispatched.status,
          ...(dispatched.charge === undefined
            ? {}
            : { 'countersign.amount': dispatched.charge.toString() }),
        },
  finish: (finished) => ({
    'countersign.verdict': finished.verdict,
    ...('payment' in finished
      ? {
          'countersign.amount': finished.charged.toString(),
          'countersign.settlement.state': finished.payment,
        }
      : { 'error.type': finished.verdict }),
  }),
};

const failed = ({ reason }: Reason): Attributes => ({ 'error.type': reason });

const checkedAttributes = ({ call, network, payer, price, binding }: CheckedProof): Attributes => ({
  'countersign.call': call,
  'countersign.account': accountId(network, payer),
  'countersign.network': network,
  'countersign.amount': price.toString(),
  'countersign.binding': binding,
});

const decided = ({ call, decision }: ReservedCall): Attributes => ({
  'countersign.call': call.id,
  'countersign.tool': call.tool,
  'countersign.account': call.account,
  'countersign.amount': call.price.toString(),
  'countersign.binding': call.binding,
  'countersign.verdict': decision.verdict,
  ...(decision.verdict === 'denied' ? { 'countersign.rule': decision.denial.rule } : {}),
  ...(decision.verdict === 'stored' ? { 'countersign.settlement.state': decision.payment } : {}),
});
