import tools from '../tools.json';
import { countersign } from './worker.ts';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from './worker.ts';

export default countersign({ tools });
