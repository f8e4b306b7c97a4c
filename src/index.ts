import tools from '../tools.json';
import { countersign } from './worker/index.ts';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from './worker/index.ts';

export default countersign({ tools });
