import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { isOn } from '../Cleanlist/helpers/values';
import { eventItems, type EmitOptions } from './items';
import { verifySignature, type Verdict } from './signature';

/** What a sender is told; the relay shows it to its operator and tries again later. */
const REFUSALS: Record<Exclude<Verdict, 'ok'>, string> = {
	unsigned:
		'The webhook-id, webhook-timestamp and webhook-signature headers are missing or malformed. Only the relay may post here.',
	stale: 'The webhook-timestamp is more than 5 minutes off. Check the clocks of the relay and of n8n.',
	forged: 'The signature does not match. If n8n lost the secret, deactivate and activate the workflow.',
	'no-secret': 'This n8n has no secret for the subscription. Deactivate and activate the workflow.',
};

/**
 * Takes one delivery of the relay. Never throws: n8n would start the workflow with an error item, and answer in a
 * way that makes the relay think that the event has arrived.
 *
 * Duplicates are passed on, with the same `webhook_id`. Static data is no place to remember them: n8n saves the
 * whole of it after a webhook, so two deliveries at the same time undo each other's entries, and one that began
 * before a reactivation would put the old secret back.
 */
export async function receive(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		const request = context.getRequestObject();
		if (!Buffer.isBuffer(request.rawBody)) await request.readRawBody();
		const { rawBody, headers } = request;
		const id = headers['webhook-id'];
		const verdict = verifySignature(
			context.getWorkflowStaticData('node').secret,
			{ id, timestamp: headers['webhook-timestamp'], signature: headers['webhook-signature'] },
			rawBody,
			Date.now(),
		);
		if (verdict !== 'ok') {
			context.logger.warn('A delivery to the Cleanlist Trigger was refused', { verdict });
			return refuse(context, 401, REFUSALS[verdict]);
		}
		// The relay delivers a byte order mark with the rest; what n8n was told is JSON it refuses with one itself.
		const payload: unknown = JSON.parse(rawBody.toString('utf8').replace(/^\uFEFF/, ''));
		if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
			return refuse(context, 422, 'The body is not a JSON object.');
		}
		const options: EmitOptions = {
			output: context.getNodeParameter('output', 'contacts') as EmitOptions['output'],
			simplify: isOn(context.getNodeParameter('simplify', true), true),
			furtherFields: chosen(context.getNodeParameter('furtherFields', [])),
		};
		return {
			webhookResponse: { status: 'received' },
			workflowData: [eventItems(payload as Record<string, unknown>, id as string, options)],
		};
	} catch (error) {
		const { message } = error as Error;
		context.logger.error('The Cleanlist Trigger could not read a delivery', { reason: message });
		return refuse(context, 500, 'The delivery could not be read.');
	}
}

function chosen(fields: unknown): string[] {
	return Array.isArray(fields) ? fields.map(String) : [];
}

/** Answers by hand, so that the workflow does not start. */
function refuse(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	context.getResponseObject().status(status).json({ error: message });
	return { noWebhookResponse: true };
}
