import { post } from './rest.ts'

/** A user of the demo; on the chain a user is known by the address. */
export type Person = { user_id: string; full_name: string; country: string }

/** Opens a KYC case for each and takes it to `verified`, as an operator would. */
export async function verifyPeople(compliance: string, people: readonly Person[]): Promise<void> {
  for (const person of people) {
    const { case_id, status } = await post(`${compliance}/kyc/cases`, person)
    if (status === 'verified') continue // by an earlier run on the same data
    const transitions = `${compliance}/kyc/cases/${case_id}/transitions`
    await post(transitions, { to: 'pending', reason: 'documents received' })
    await post(transitions, { to: 'verified', reason: 'documents match' })
  }
}
