CREATE TABLE account (
	id VARCHAR(26) NOT NULL, 
	number VARCHAR(40) NOT NULL, 
	customer_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	locale VARCHAR(16) NOT NULL, 
	bill_day INTEGER NOT NULL, 
	terms_days INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, perks INTEGER DEFAULT '0' NOT NULL, jurisdiction VARCHAR(10) DEFAULT '' NOT NULL, segment VARCHAR(40) DEFAULT '' NOT NULL, warned_of DATE, 
	CONSTRAINT ck_account_bill_day CHECK (bill_day BETWEEN 1 AND 31), 
	CONSTRAINT ck_account_terms_days CHECK (terms_days >= 0), 
	CONSTRAINT fk_account_customer_id_customer FOREIGN KEY(customer_id) REFERENCES customer (id), 
	CONSTRAINT pk_account PRIMARY KEY (id), 
	CONSTRAINT uq_account_number UNIQUE (number)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0070');
CREATE TABLE allocation (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	payer_id VARCHAR(26) NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	allocated_at BIGINT NOT NULL, 
	CONSTRAINT ck_allocation_amount_minor CHECK (amount_minor <> 0), 
	CONSTRAINT fk_allocation_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_allocation PRIMARY KEY (id)
);
CREATE TABLE announcement (
	id VARCHAR(26) NOT NULL, 
	at BIGINT NOT NULL, 
	segment VARCHAR(40), 
	texts TEXT NOT NULL, 
	behind VARCHAR(40) NOT NULL, 
	ended_at BIGINT, digest VARCHAR(32) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_announcement PRIMARY KEY (id)
);
CREATE TABLE "api_token" (
	hash VARCHAR(64) NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	made_at BIGINT NOT NULL, 
	scope VARCHAR(8) NOT NULL, 
	last_used_at BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT pk_api_token PRIMARY KEY (hash)
);
CREATE TABLE attempt (
	id VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	method_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	opened_on DATE NOT NULL, 
	opened_at BIGINT NOT NULL, 
	called_at BIGINT, 
	looks INTEGER NOT NULL, 
	charge VARCHAR(120) NOT NULL, 
	code VARCHAR(80) NOT NULL, 
	decline VARCHAR(8) NOT NULL, 
	CONSTRAINT ck_attempt_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_attempt_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_attempt_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT fk_attempt_method_id_payment_method FOREIGN KEY(method_id) REFERENCES payment_method (id), 
	CONSTRAINT pk_attempt PRIMARY KEY (id), 
	CONSTRAINT uq_attempt_invoice_id_n UNIQUE (invoice_id, n)
);
CREATE TABLE audit (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	actor VARCHAR(80) NOT NULL, 
	action VARCHAR(80) NOT NULL, 
	subject VARCHAR(160) NOT NULL, 
	reason TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT
);
CREATE TABLE audit_link (
	n INTEGER NOT NULL, 
	deed BIGINT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	CONSTRAINT fk_audit_link_deed_audit FOREIGN KEY(deed) REFERENCES audit (position), 
	CONSTRAINT pk_audit_link PRIMARY KEY (n), 
	CONSTRAINT uq_audit_link_deed UNIQUE (deed)
);
CREATE TABLE "bank_aside" (
	entry_id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	reason VARCHAR(254) NOT NULL, 
	at BIGINT NOT NULL, 
	n INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT fk_bank_aside_entry_id_bank_entry FOREIGN KEY(entry_id) REFERENCES bank_entry (id), 
	CONSTRAINT pk_bank_aside PRIMARY KEY (entry_id, n)
);
CREATE TABLE bank_aside_undone (
	entry_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	undone_at BIGINT NOT NULL, 
	CONSTRAINT fk_bank_aside_undone_entry_id_n_bank_aside FOREIGN KEY(entry_id, n) REFERENCES bank_aside (entry_id, n), 
	CONSTRAINT pk_bank_aside_undone PRIMARY KEY (entry_id, n)
);
CREATE TABLE bank_entry (
	id VARCHAR(26) NOT NULL, 
	line_key VARCHAR(40) NOT NULL, 
	account VARCHAR(34) NOT NULL, 
	statement VARCHAR(80) NOT NULL, 
	place VARCHAR(60) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	booked_on DATE NOT NULL, 
	value_on DATE NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	ref VARCHAR(140) NOT NULL, 
	end_to_end VARCHAR(140) NOT NULL, 
	structured VARCHAR(140) NOT NULL, 
	text TEXT NOT NULL, 
	name VARCHAR(140) NOT NULL, 
	iban VARCHAR(140) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	why VARCHAR(12) NOT NULL, 
	of_id VARCHAR(26), 
	taken_at BIGINT NOT NULL, reason VARCHAR(4) DEFAULT '' NOT NULL, 
	CONSTRAINT ck_bank_entry_amount_minor CHECK (amount_minor <> 0), 
	CONSTRAINT pk_bank_entry PRIMARY KEY (id), 
	CONSTRAINT uq_bank_entry_line_key UNIQUE (line_key)
);
CREATE TABLE bank_part (
	entry_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	CONSTRAINT ck_bank_part_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_bank_part_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_bank_part_entry_id_bank_entry FOREIGN KEY(entry_id) REFERENCES bank_entry (id), 
	CONSTRAINT pk_bank_part PRIMARY KEY (entry_id, n)
);
CREATE TABLE bank_payer (
	iban VARCHAR(140) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	confirmed_at BIGINT NOT NULL, 
	CONSTRAINT fk_bank_payer_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_bank_payer PRIMARY KEY (iban, account_id)
);
CREATE TABLE bank_statement (
	account VARCHAR(34) NOT NULL, 
	id VARCHAR(80) NOT NULL, 
	sequence BIGINT, 
	currency VARCHAR(3) NOT NULL, 
	opening_minor BIGINT NOT NULL, 
	closing_minor BIGINT NOT NULL, 
	opened_on DATE NOT NULL, 
	closed_on DATE NOT NULL, 
	lines INTEGER NOT NULL, 
	content VARCHAR(40) NOT NULL, 
	taken_at BIGINT NOT NULL, 
	CONSTRAINT pk_bank_statement PRIMARY KEY (account, id)
);
CREATE TABLE bank_undone (
	entry_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	undone_at BIGINT NOT NULL, 
	CONSTRAINT fk_bank_undone_entry_id_n_bank_part FOREIGN KEY(entry_id, n) REFERENCES bank_part (entry_id, n), 
	CONSTRAINT pk_bank_undone PRIMARY KEY (entry_id, n)
);
CREATE TABLE bill_day (
	day DATE NOT NULL, 
	previewed_at BIGINT, 
	told TEXT NOT NULL, 
	released_at BIGINT, 
	released_by VARCHAR(80) NOT NULL, 
	reason VARCHAR(254) NOT NULL, 
	CONSTRAINT pk_bill_day PRIMARY KEY (day)
);
CREATE TABLE bill_policy (
	id INTEGER NOT NULL, 
	window_days INTEGER NOT NULL, 
	CONSTRAINT ck_bill_policy_window_days CHECK (window_days >= 0), 
	CONSTRAINT pk_bill_policy PRIMARY KEY (id)
);
CREATE TABLE box_address (
	serial VARCHAR(64) NOT NULL, 
	address VARCHAR(80) NOT NULL, 
	"before" VARCHAR(80) NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_box_address PRIMARY KEY (serial)
);
CREATE TABLE box_login (
	resource VARCHAR(40) NOT NULL, 
	address VARCHAR(255) NOT NULL, 
	login_name VARCHAR(200), 
	key_id VARCHAR(16) NOT NULL, 
	sealed TEXT NOT NULL, 
	host_key TEXT NOT NULL, 
	claim_until BIGINT, 
	changed_at BIGINT NOT NULL, imprinted_by VARCHAR(16), 
	CONSTRAINT pk_box_login PRIMARY KEY (resource)
);
CREATE TABLE box_model (
	model VARCHAR(64) NOT NULL, 
	maker VARCHAR(80) NOT NULL, 
	serial_check VARCHAR(16) NOT NULL, 
	serial_prefix VARCHAR(40) NOT NULL, 
	protocol VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_box_model PRIMARY KEY (model)
);
CREATE TABLE box_name (
	resource VARCHAR(40) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_box_name PRIMARY KEY (resource)
);
CREATE TABLE business_clock (
	id INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	CONSTRAINT pk_business_clock PRIMARY KEY (id)
);
INSERT INTO "business_clock" VALUES(1,0);
CREATE TABLE catalog_edition (
	id INTEGER NOT NULL, 
	edition INTEGER NOT NULL, 
	CONSTRAINT pk_catalog_edition PRIMARY KEY (id)
);
CREATE TABLE catalog_version (
	edition INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	published_at BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_catalog_version PRIMARY KEY (edition)
);
CREATE TABLE "credit_line" (
	note_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	invoice_n INTEGER NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	kept_minor BIGINT NOT NULL, 
	label VARCHAR(300) NOT NULL, 
	net_minor BIGINT NOT NULL, 
	tax_minor BIGINT NOT NULL, 
	goodwill_id VARCHAR(26), 
	CONSTRAINT ck_credit_line_amount_minor CHECK (amount_minor >= 0), 
	CONSTRAINT ck_credit_line_kept_minor CHECK (kept_minor >= 0), 
	CONSTRAINT ck_credit_line_net_minor CHECK (amount_minor IN (net_minor, net_minor + tax_minor)), 
	CONSTRAINT ck_credit_line_period_end CHECK (period_start < period_end), 
	CONSTRAINT fk_credit_line_goodwill_id_goodwill FOREIGN KEY(goodwill_id) REFERENCES goodwill (id), 
	CONSTRAINT fk_credit_line_invoice_id_invoice_n_invoice_line FOREIGN KEY(invoice_id, invoice_n) REFERENCES invoice_line (invoice_id, n), 
	CONSTRAINT fk_credit_line_note_id_credit_note FOREIGN KEY(note_id) REFERENCES credit_note (id), 
	CONSTRAINT pk_credit_line PRIMARY KEY (note_id, n), 
	CONSTRAINT uq_credit_line_goodwill_id UNIQUE (goodwill_id)
);
CREATE TABLE credit_note (
	id VARCHAR(26) NOT NULL, 
	sequence BIGINT NOT NULL, 
	number VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	issued_on DATE NOT NULL, 
	issued_at BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	tax_minor BIGINT NOT NULL, 
	total_minor BIGINT NOT NULL, 
	groups TEXT NOT NULL, 
	CONSTRAINT ck_credit_note_total_minor CHECK (total_minor = net_minor + tax_minor), 
	CONSTRAINT fk_credit_note_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_credit_note PRIMARY KEY (id), 
	CONSTRAINT uq_credit_note_number UNIQUE (number), 
	CONSTRAINT uq_credit_note_sequence UNIQUE (sequence)
);
CREATE TABLE customer (
	id VARCHAR(26) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	phone VARCHAR(40) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_customer PRIMARY KEY (id)
);
CREATE TABLE "darkening" (
	target VARCHAR(32) NOT NULL, 
	subject VARCHAR(40) NOT NULL, 
	revision BIGINT NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_darkening PRIMARY KEY (target, subject)
);
CREATE TABLE debit (
	attempt_id VARCHAR(40) NOT NULL, 
	method_id VARCHAR(26) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	collect_on DATE NOT NULL, 
	announced_at BIGINT NOT NULL, 
	batch_id VARCHAR(30), 
	sequence VARCHAR(4) NOT NULL, 
	is_amended BOOLEAN NOT NULL, 
	code VARCHAR(4) NOT NULL, 
	returned_at BIGINT, 
	entry_id VARCHAR(26), 
	CONSTRAINT ck_debit_state CHECK (state IN ('announced', 'dropped', 'presented', 'booked', 'returned')), 
	CONSTRAINT fk_debit_attempt_id_attempt FOREIGN KEY(attempt_id) REFERENCES attempt (id), 
	CONSTRAINT fk_debit_batch_id_debit_batch FOREIGN KEY(batch_id) REFERENCES debit_batch (id), 
	CONSTRAINT fk_debit_entry_id_bank_entry FOREIGN KEY(entry_id) REFERENCES bank_entry (id), 
	CONSTRAINT fk_debit_method_id_mandate FOREIGN KEY(method_id) REFERENCES mandate (method_id), 
	CONSTRAINT pk_debit PRIMARY KEY (attempt_id)
);
CREATE TABLE debit_batch (
	id VARCHAR(30) NOT NULL, 
	collect_on DATE NOT NULL, 
	clear_on DATE NOT NULL, 
	debits INTEGER NOT NULL, 
	total_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	file TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	made_at BIGINT NOT NULL, 
	made_by VARCHAR(80) NOT NULL, 
	handed_in_at BIGINT, 
	handed_in_by VARCHAR(80) NOT NULL, 
	withdrawn_at BIGINT, 
	booked_at BIGINT, 
	CONSTRAINT ck_debit_batch_debits CHECK (debits > 0), 
	CONSTRAINT ck_debit_batch_one_end CHECK (handed_in_at IS NULL OR withdrawn_at IS NULL), 
	CONSTRAINT ck_debit_batch_total_minor CHECK (total_minor > 0), 
	CONSTRAINT pk_debit_batch PRIMARY KEY (id)
);
CREATE TABLE debit_creditor (
	id VARCHAR(8) NOT NULL, 
	identifier VARCHAR(35) NOT NULL, 
	name VARCHAR(70) NOT NULL, 
	iban VARCHAR(34) NOT NULL, 
	bic VARCHAR(11) NOT NULL, 
	zone VARCHAR(64) NOT NULL, 
	notice_days INTEGER NOT NULL, 
	lead_days INTEGER NOT NULL, 
	cut_off_hour INTEGER NOT NULL, 
	clear_days INTEGER NOT NULL, 
	says_first BOOLEAN NOT NULL, 
	CONSTRAINT pk_debit_creditor PRIMARY KEY (id)
);
CREATE TABLE deferral (
	document_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	earned_minor BIGINT NOT NULL, 
	CONSTRAINT ck_deferral_period_end CHECK (period_start < period_end), 
	CONSTRAINT pk_deferral PRIMARY KEY (document_id, n)
);
CREATE TABLE "delivery" (
	id VARCHAR(80) NOT NULL, 
	service_id VARCHAR(26), 
	kind VARCHAR(40) NOT NULL, 
	text TEXT NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	begun_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	why TEXT NOT NULL, 
	to_address VARCHAR(254) NOT NULL, via VARCHAR(10) DEFAULT 'screen' NOT NULL, 
	CONSTRAINT pk_delivery PRIMARY KEY (id)
);
CREATE TABLE drawer_entry (
	shift_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	receipt_id VARCHAR(26), 
	reason VARCHAR(254) NOT NULL, 
	done_by VARCHAR(80) NOT NULL, 
	done_at BIGINT NOT NULL, 
	CONSTRAINT ck_drawer_entry_amount_minor CHECK (CASE WHEN kind IN ('given', 'paid_out') THEN amount_minor < 0 ELSE amount_minor > 0 END), 
	CONSTRAINT ck_drawer_entry_kind CHECK (kind IN ('float', 'taken', 'given', 'paid_in', 'paid_out')), 
	CONSTRAINT ck_drawer_entry_receipt_id CHECK ((kind IN ('taken', 'given')) = (receipt_id IS NOT NULL)), 
	CONSTRAINT fk_drawer_entry_receipt_id_receipt FOREIGN KEY(receipt_id) REFERENCES receipt (id), 
	CONSTRAINT fk_drawer_entry_shift_id_shift FOREIGN KEY(shift_id) REFERENCES shift (id), 
	CONSTRAINT pk_drawer_entry PRIMARY KEY (shift_id, n), 
	CONSTRAINT uq_drawer_entry_receipt_id UNIQUE (receipt_id)
);
CREATE TABLE "drift" (
	id VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	ref VARCHAR(160) NOT NULL, 
	subject VARCHAR(40), 
	kind VARCHAR(16) NOT NULL, 
	fields TEXT NOT NULL, 
	found_at BIGINT NOT NULL, 
	scan_at BIGINT NOT NULL, 
	repaired_at BIGINT, 
	CONSTRAINT pk_drift PRIMARY KEY (id)
);
CREATE TABLE drift_scan (
	target VARCHAR(32) NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	seen INTEGER NOT NULL, 
	differing INTEGER NOT NULL, 
	missing INTEGER NOT NULL, 
	orphans INTEGER NOT NULL, 
	duplicates INTEGER NOT NULL, 
	error TEXT, 
	CONSTRAINT pk_drift_scan PRIMARY KEY (target)
);
CREATE TABLE dunning_brake (
	id INTEGER NOT NULL, 
	share_percent INTEGER NOT NULL, 
	floor INTEGER NOT NULL, 
	turn BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	base INTEGER NOT NULL, 
	counted INTEGER NOT NULL, 
	stopped_at BIGINT, 
	CONSTRAINT pk_dunning_brake PRIMARY KEY (id)
);
CREATE TABLE dunning_cut (
	invoice_id VARCHAR(26) NOT NULL, 
	cut_on DATE NOT NULL, rung VARCHAR(60) DEFAULT 'suspend' NOT NULL, rests BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT fk_dunning_cut_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_dunning_cut PRIMARY KEY (invoice_id)
);
CREATE TABLE dunning_held (
	account_id VARCHAR(26) NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	rung VARCHAR(60) NOT NULL, 
	asked_at BIGINT NOT NULL, 
	released_at BIGINT, 
	released_by VARCHAR(80) NOT NULL, 
	CONSTRAINT fk_dunning_held_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_dunning_held_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_dunning_held PRIMARY KEY (account_id)
);
CREATE TABLE dunning_notice (
	invoice_id VARCHAR(26) NOT NULL, 
	after_days INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	given_at BIGINT NOT NULL, 
	CONSTRAINT fk_dunning_notice_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_dunning_notice PRIMARY KEY (invoice_id, after_days)
);
CREATE TABLE dunning_segment (
	name VARCHAR(40) NOT NULL, 
	terms TEXT NOT NULL, 
	CONSTRAINT pk_dunning_segment PRIMARY KEY (name)
);
CREATE TABLE dunning_suspension (
	account_id VARCHAR(26) NOT NULL, 
	since_on DATE NOT NULL, 
	owed_minor BIGINT NOT NULL, 
	invoices INTEGER NOT NULL, 
	through BIGINT NOT NULL, 
	missing_minor BIGINT NOT NULL, 
	restored_at BIGINT, 
	restored_through BIGINT NOT NULL, 
	CONSTRAINT fk_dunning_suspension_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_dunning_suspension PRIMARY KEY (account_id)
);
CREATE TABLE earned_month (
	month DATE NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	is_done BOOLEAN NOT NULL, 
	CONSTRAINT pk_earned_month PRIMARY KEY (month)
);
CREATE TABLE entry (
	posting_id VARCHAR(40) NOT NULL, 
	n INTEGER NOT NULL, 
	book VARCHAR(16) NOT NULL, 
	party VARCHAR(40) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	CONSTRAINT fk_entry_posting_id_posting FOREIGN KEY(posting_id) REFERENCES posting (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT pk_entry PRIMARY KEY (posting_id, n)
);
CREATE TABLE errand (
	id VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	ref VARCHAR(64) NOT NULL, 
	request VARCHAR(160) NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	params TEXT NOT NULL, 
	"key" VARCHAR(40) NOT NULL, 
	stage VARCHAR(16) NOT NULL, 
	error_kind VARCHAR(20) NOT NULL, 
	error TEXT NOT NULL, 
	not_after BIGINT NOT NULL, 
	begun_at BIGINT, 
	ended_at BIGINT, 
	CONSTRAINT pk_errand PRIMARY KEY (id), 
	CONSTRAINT uq_errand_request UNIQUE (request)
);
CREATE TABLE field_event (
	actor VARCHAR(80) NOT NULL, 
	event VARCHAR(80) NOT NULL, 
	deed VARCHAR(200) NOT NULL, 
	about VARCHAR(80) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_field_event PRIMARY KEY (actor, event)
);
CREATE TABLE goodwill (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	reference VARCHAR(100) NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	invoice_n INTEGER NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	percent_ppm INTEGER, 
	reason VARCHAR(254) NOT NULL, 
	given_by VARCHAR(80) NOT NULL, 
	given_at BIGINT NOT NULL, 
	CONSTRAINT ck_goodwill_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_goodwill_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_goodwill_invoice_id_invoice_n_invoice_line FOREIGN KEY(invoice_id, invoice_n) REFERENCES invoice_line (invoice_id, n), 
	CONSTRAINT pk_goodwill PRIMARY KEY (id), 
	CONSTRAINT uq_goodwill_account_id_reference UNIQUE (account_id, reference)
);
CREATE TABLE guess (
	"key" VARCHAR(100) NOT NULL, 
	fresh_at BIGINT NOT NULL, 
	CONSTRAINT pk_guess PRIMARY KEY ("key")
);
CREATE TABLE hold (
	id VARCHAR(60) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	kind VARCHAR(24) NOT NULL, 
	since_on DATE NOT NULL, 
	cause VARCHAR(80) NOT NULL, level VARCHAR(40) DEFAULT '' NOT NULL, 
	CONSTRAINT fk_hold_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_hold PRIMARY KEY (id)
);
CREATE TABLE imported_row (
	file VARCHAR(40) NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	cells TEXT NOT NULL, 
	CONSTRAINT pk_imported_row PRIMARY KEY (file, "key")
);
CREATE TABLE invoice (
	id VARCHAR(26) NOT NULL, 
	series VARCHAR(16) NOT NULL, 
	sequence BIGINT NOT NULL, 
	number VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	issued_on DATE NOT NULL, 
	issued_at BIGINT NOT NULL, 
	due_on DATE NOT NULL, 
	net_minor BIGINT NOT NULL, 
	tax_minor BIGINT NOT NULL, 
	total_minor BIGINT NOT NULL, 
	groups TEXT NOT NULL, is_fee BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT ck_invoice_total_minor CHECK (total_minor = net_minor + tax_minor), 
	CONSTRAINT fk_invoice_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_invoice PRIMARY KEY (id), 
	CONSTRAINT uq_invoice_number UNIQUE (number), 
	CONSTRAINT uq_invoice_series_sequence UNIQUE (series, sequence)
);
CREATE TABLE invoice_discount (
	invoice_id VARCHAR(26) NOT NULL, 
	redemption_id VARCHAR(26) NOT NULL, 
	ends_on DATE NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	parts TEXT NOT NULL, 
	CONSTRAINT ck_invoice_discount_amount_minor CHECK (amount_minor >= 0), 
	CONSTRAINT fk_invoice_discount_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT fk_invoice_discount_redemption_id_redemption FOREIGN KEY(redemption_id) REFERENCES redemption (id), 
	CONSTRAINT pk_invoice_discount PRIMARY KEY (invoice_id, redemption_id, ends_on)
);
CREATE TABLE "invoice_line" (
	invoice_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	subject VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	units INTEGER NOT NULL, 
	of_units INTEGER NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	price_from DATE NOT NULL, 
	rate_minor BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	tax VARCHAR(40) NOT NULL, 
	label VARCHAR(300) NOT NULL, 
	units_before INTEGER NOT NULL, 
	take INTEGER NOT NULL, 
	quantity INTEGER NOT NULL, 
	measure VARCHAR(8) NOT NULL, 
	off_minor BIGINT DEFAULT '0' NOT NULL, 
	net_minor BIGINT NOT NULL, 
	tax_minor BIGINT NOT NULL, 
	CONSTRAINT ck_invoice_line_net_minor CHECK (amount_minor IN (net_minor, net_minor + tax_minor)), 
	CONSTRAINT ck_invoice_line_of_units CHECK (units_before + units <= of_units), 
	CONSTRAINT ck_invoice_line_off_minor CHECK (off_minor = 0 OR (off_minor > 0 AND off_minor <= rate_minor)), 
	CONSTRAINT ck_invoice_line_period_end CHECK (period_start < period_end), 
	CONSTRAINT ck_invoice_line_units CHECK (units > 0 AND units_before >= 0), 
	CONSTRAINT fk_invoice_line_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT pk_invoice_line PRIMARY KEY (invoice_id, n), 
	CONSTRAINT uq_invoice_line_subject_kind_period_end_take UNIQUE (subject, kind, period_end, take)
);
CREATE TABLE job (
	id VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	contract VARCHAR(40) NOT NULL, 
	assignee VARCHAR(80) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	note VARCHAR(400) NOT NULL, 
	opened_at BIGINT NOT NULL, 
	opened_by VARCHAR(80) NOT NULL, 
	closed_at BIGINT, 
	closed_by VARCHAR(80), reason VARCHAR(80), 
	CONSTRAINT pk_job PRIMARY KEY (id)
);
CREATE TABLE job_policy (
	id INTEGER NOT NULL, 
	install VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_job_policy PRIMARY KEY (id)
);
CREATE TABLE kept_answer (
	caller VARCHAR(64) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	status INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	kept_at BIGINT NOT NULL, 
	CONSTRAINT pk_kept_answer PRIMARY KEY (caller, "key")
);
CREATE TABLE lead (
	name VARCHAR(40) NOT NULL, 
	token BIGINT NOT NULL, 
	lease_until BIGINT NOT NULL, 
	CONSTRAINT pk_lead PRIMARY KEY (name)
);
CREATE TABLE letter (
	id VARCHAR(80) NOT NULL, 
	to_address VARCHAR(254) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	service_id VARCHAR(26), 
	not_after BIGINT NOT NULL, 
	sealed TEXT NOT NULL, 
	CONSTRAINT pk_letter PRIMARY KEY (id)
);
CREATE TABLE log_cursor (
	consumer VARCHAR(40) NOT NULL, 
	position BIGINT NOT NULL, 
	CONSTRAINT pk_log_cursor PRIMARY KEY (consumer)
);
CREATE TABLE log_entry (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(80) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	value TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT uq_log_entry_id UNIQUE (id)
);
CREATE TABLE loyalty (
	account_id VARCHAR(26) NOT NULL, 
	points BIGINT NOT NULL, 
	joined_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT ck_loyalty_points CHECK (points >= 0), 
	CONSTRAINT fk_loyalty_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_loyalty PRIMARY KEY (account_id)
);
CREATE TABLE loyalty_program (
	id INTEGER NOT NULL, 
	referral_minor BIGINT, 
	currency VARCHAR(3), 
	months INTEGER NOT NULL, 
	tiers TEXT NOT NULL, 
	CONSTRAINT pk_loyalty_program PRIMARY KEY (id)
);
CREATE TABLE mandate (
	method_id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	reference VARCHAR(35) NOT NULL, 
	iban TEXT NOT NULL, 
	holder VARCHAR(70) NOT NULL, 
	signed_on DATE NOT NULL, 
	is_once BOOLEAN NOT NULL, 
	is_amended BOOLEAN NOT NULL, 
	is_used BOOLEAN NOT NULL, 
	used_on DATE, 
	CONSTRAINT fk_mandate_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_mandate_method_id_payment_method FOREIGN KEY(method_id) REFERENCES payment_method (id), 
	CONSTRAINT pk_mandate PRIMARY KEY (method_id), 
	CONSTRAINT uq_mandate_reference UNIQUE (reference)
);
CREATE TABLE message_gateway (
	name VARCHAR(40) NOT NULL, 
	options TEXT NOT NULL, 
	CONSTRAINT pk_message_gateway PRIMARY KEY (name)
);
CREATE TABLE movement (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	charge VARCHAR(120) NOT NULL, 
	ref VARCHAR(120) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	attempt_id VARCHAR(40), 
	received_at BIGINT NOT NULL, 
	settled_at BIGINT, 
	CONSTRAINT ck_movement_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_movement_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_movement PRIMARY KEY (id), 
	CONSTRAINT uq_movement_provider_ref_kind UNIQUE (provider, ref, kind)
);
CREATE TABLE notice_policy (
	id INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_notice_policy PRIMARY KEY (id)
);
CREATE TABLE number_series (
	series VARCHAR(16) NOT NULL, 
	last BIGINT NOT NULL, 
	CONSTRAINT pk_number_series PRIMARY KEY (series)
);
CREATE TABLE "observed" (
	subject VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_observed PRIMARY KEY (subject, target)
);
CREATE TABLE offering (
	code VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	grants TEXT NOT NULL, 
	tax VARCHAR(40) NOT NULL, 
	models TEXT NOT NULL, terms TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_offering PRIMARY KEY (code)
);
CREATE TABLE open_item (
	id VARCHAR(26) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	rest_minor BIGINT NOT NULL, 
	due_on DATE, 
	sequence BIGINT NOT NULL, is_fee BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT ck_open_item_kind CHECK (kind IN ('invoice', 'credit')), 
	CONSTRAINT ck_open_item_rest_minor CHECK (rest_minor > 0), 
	CONSTRAINT fk_open_item_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_open_item PRIMARY KEY (id)
);
CREATE TABLE operation (
	request VARCHAR(160) NOT NULL, 
	order_id VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_operation PRIMARY KEY (request)
);
CREATE TABLE opt_out (
	service_id VARCHAR(26) NOT NULL, 
	via VARCHAR(10) NOT NULL, 
	declined_at BIGINT NOT NULL, 
	CONSTRAINT pk_opt_out PRIMARY KEY (service_id, via)
);
CREATE TABLE pause (
	id VARCHAR(26) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT ck_pause_until_on CHECK (until_on IS NULL OR until_on >= from_on), 
	CONSTRAINT fk_pause_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_pause PRIMARY KEY (id)
);
CREATE TABLE pay_page (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	vendor_id VARCHAR(120) NOT NULL, 
	url TEXT NOT NULL, 
	debts VARCHAR(64) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	is_closing BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT fk_pay_page_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_pay_page PRIMARY KEY (id)
);
CREATE TABLE payment_method (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	customer_ref VARCHAR(120) NOT NULL, 
	method_ref VARCHAR(120) NOT NULL, 
	stopped VARCHAR(80) NOT NULL, 
	created_at BIGINT NOT NULL, is_default BOOLEAN DEFAULT 0 NOT NULL, label VARCHAR(80) DEFAULT '' NOT NULL, expires_on DATE, warned_of DATE, is_leaving BOOLEAN DEFAULT 0 NOT NULL, asked_at BIGINT, 
	CONSTRAINT fk_payment_method_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_payment_method PRIMARY KEY (id)
);
CREATE TABLE payment_provider (
	name VARCHAR(40) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	options TEXT NOT NULL, 
	CONSTRAINT pk_payment_provider PRIMARY KEY (name)
);
CREATE TABLE pending_charge (
	id VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	cause VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	price_from DATE NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	quantity INTEGER NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	rate_minor BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	tax VARCHAR(40) NOT NULL, 
	label VARCHAR(300) NOT NULL, 
	record TEXT NOT NULL, 
	from_on DATE NOT NULL, 
	due_on DATE NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	is_withdrawn BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, included VARCHAR(16) DEFAULT '' NOT NULL, is_forgiven BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT ck_pending_charge_amount_minor CHECK (amount_minor >= 0), 
	CONSTRAINT ck_pending_charge_due_on CHECK (from_on <= due_on), 
	CONSTRAINT ck_pending_charge_period_end CHECK (period_start < period_end), 
	CONSTRAINT fk_pending_charge_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_pending_charge_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_pending_charge PRIMARY KEY (id)
);
CREATE TABLE person (
	id VARCHAR(26) NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	display VARCHAR(80) NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	password_at BIGINT NOT NULL, 
	made_at BIGINT NOT NULL, 
	disabled_at BIGINT, 
	CONSTRAINT pk_person PRIMARY KEY (id), 
	CONSTRAINT uq_person_name UNIQUE (name)
);
CREATE TABLE point_entry (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	points BIGINT NOT NULL, 
	cause VARCHAR(80) NOT NULL, 
	charge VARCHAR(170) NOT NULL, 
	expires_on DATE, 
	earned BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT ck_point_entry_points CHECK (points <> 0), 
	CONSTRAINT fk_point_entry_account_id_loyalty FOREIGN KEY(account_id) REFERENCES loyalty (account_id), 
	CONSTRAINT pk_point_entry PRIMARY KEY (id), 
	CONSTRAINT uq_point_entry_account_id_kind_cause UNIQUE (account_id, kind, cause)
);
CREATE TABLE possession_heard (
	id VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_possession_heard PRIMARY KEY (id)
);
CREATE TABLE posting (
	id VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	posted_on DATE NOT NULL, 
	posted_at BIGINT NOT NULL, 
	CONSTRAINT pk_posting PRIMARY KEY (id)
);
CREATE TABLE price (
	offering VARCHAR(40) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	effective_from DATE NOT NULL, 
	amount_minor BIGINT NOT NULL, deposit_minor BIGINT DEFAULT '0' NOT NULL, lost_fee_minor BIGINT DEFAULT '0' NOT NULL, usage TEXT, included VARCHAR(16) DEFAULT '' NOT NULL, tiers VARCHAR(400) DEFAULT '' NOT NULL, bundled_minor BIGINT, minimum_minor BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT ck_price_amount_minor CHECK (amount_minor >= 0), 
	CONSTRAINT fk_price_offering_offering FOREIGN KEY(offering) REFERENCES offering (code), 
	CONSTRAINT pk_price PRIMARY KEY (offering, currency, effective_from)
);
CREATE TABLE process (
	id BIGINT NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	host VARCHAR(100) NOT NULL, 
	pid INTEGER NOT NULL, 
	version VARCHAR(40) NOT NULL, 
	started_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_process PRIMARY KEY (id)
);
CREATE TABLE proforma (
	id VARCHAR(26) NOT NULL, 
	sequence BIGINT NOT NULL, 
	number VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	issued_on DATE NOT NULL, 
	issued_at BIGINT NOT NULL, 
	billed_on DATE NOT NULL, 
	valid_until DATE NOT NULL, 
	net_minor BIGINT NOT NULL, 
	tax_minor BIGINT NOT NULL, 
	groups TEXT NOT NULL, 
	lines TEXT NOT NULL, 
	CONSTRAINT ck_proforma_valid_until CHECK (valid_until >= issued_on), 
	CONSTRAINT fk_proforma_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_proforma PRIMARY KEY (id), 
	CONSTRAINT uq_proforma_number UNIQUE (number), 
	CONSTRAINT uq_proforma_sequence UNIQUE (sequence)
);
CREATE TABLE promise (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	made_at BIGINT NOT NULL, 
	until_on DATE NOT NULL, 
	through BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	ended_on DATE, 
	CONSTRAINT ck_promise_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_promise_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_promise PRIMARY KEY (id)
);
CREATE TABLE promise_policy (
	id INTEGER NOT NULL, 
	days_max INTEGER NOT NULL, 
	pause_days INTEGER NOT NULL, 
	owed_min_minor BIGINT, 
	owed_max_minor BIGINT, count_max INTEGER DEFAULT 0 NOT NULL, count_days INTEGER DEFAULT 365 NOT NULL, broken_max INTEGER DEFAULT 0 NOT NULL, standings TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_promise_policy PRIMARY KEY (id)
);
CREATE TABLE promotion (
	code VARCHAR(40) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	percent_ppm INTEGER, 
	amount_minor BIGINT, 
	currency VARCHAR(3), 
	scope VARCHAR(8) NOT NULL, 
	limited_to TEXT NOT NULL, 
	periods_max INTEGER, 
	ends_on DATE, 
	"group" VARCHAR(40) NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	redeem_max INTEGER, 
	account_max INTEGER NOT NULL, 
	ahead INTEGER, 
	redeemed INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT ck_promotion_percent_ppm CHECK ((percent_ppm IS NULL) <> (amount_minor IS NULL)), 
	CONSTRAINT ck_promotion_redeem_max CHECK (redeem_max IS NULL OR redeemed <= redeem_max), 
	CONSTRAINT pk_promotion PRIMARY KEY (code)
);
CREATE TABLE provider_cursor (
	provider VARCHAR(40) NOT NULL, 
	event_id VARCHAR(120) NOT NULL, 
	happened_at BIGINT, 
	looked_at BIGINT NOT NULL, 
	CONSTRAINT pk_provider_cursor PRIMARY KEY (provider)
);
CREATE TABLE provider_event (
	id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	event_id VARCHAR(120) NOT NULL, 
	body BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_provider_event PRIMARY KEY (id), 
	CONSTRAINT uq_provider_event_provider_event_id UNIQUE (provider, event_id)
);
CREATE TABLE purchase (
	id VARCHAR(26) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	ref VARCHAR(80) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	activation VARCHAR(8) NOT NULL, 
	bought_at BIGINT NOT NULL, 
	from_at BIGINT, 
	until_at BIGINT, 
	watched_at BIGINT, 
	is_open BOOLEAN NOT NULL, 
	is_revoked BOOLEAN NOT NULL, 
	CONSTRAINT ck_purchase_until_at CHECK (from_at < until_at), 
	CONSTRAINT fk_purchase_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_purchase_offering_offering FOREIGN KEY(offering) REFERENCES offering (code), 
	CONSTRAINT fk_purchase_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_purchase PRIMARY KEY (id), 
	CONSTRAINT uq_purchase_source_ref UNIQUE (source, ref)
);
CREATE TABLE receipt (
	id VARCHAR(26) NOT NULL, 
	sequence BIGINT NOT NULL, 
	number VARCHAR(20) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	cause_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	reference VARCHAR(100) NOT NULL, 
	cashier VARCHAR(80) NOT NULL, 
	shift_id VARCHAR(26), 
	issued_on DATE NOT NULL, 
	issued_at BIGINT NOT NULL, 
	CONSTRAINT ck_receipt_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT ck_receipt_kind CHECK (kind IN ('payment', 'refund')), 
	CONSTRAINT fk_receipt_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_receipt_shift_id_shift FOREIGN KEY(shift_id) REFERENCES shift (id), 
	CONSTRAINT pk_receipt PRIMARY KEY (id), 
	CONSTRAINT uq_receipt_cause_id UNIQUE (cause_id), 
	CONSTRAINT uq_receipt_number UNIQUE (number), 
	CONSTRAINT uq_receipt_sequence UNIQUE (sequence)
);
CREATE TABLE receipt_print (
	receipt_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	printed_by VARCHAR(80) NOT NULL, 
	printed_at BIGINT NOT NULL, 
	CONSTRAINT fk_receipt_print_receipt_id_receipt FOREIGN KEY(receipt_id) REFERENCES receipt (id), 
	CONSTRAINT pk_receipt_print PRIMARY KEY (receipt_id, n)
);
CREATE TABLE redemption (
	id VARCHAR(26) NOT NULL, 
	promotion VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	n INTEGER NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	subject VARCHAR(40) NOT NULL, 
	redeemed_at BIGINT NOT NULL, 
	CONSTRAINT ck_redemption_n CHECK (n > 0), 
	CONSTRAINT fk_redemption_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_redemption_promotion_promotion FOREIGN KEY(promotion) REFERENCES promotion (code), 
	CONSTRAINT pk_redemption PRIMARY KEY (id), 
	CONSTRAINT uq_redemption_promotion_account_id_n UNIQUE (promotion, account_id, n)
);
CREATE TABLE referral (
	referred_id VARCHAR(26) NOT NULL, 
	referrer_id VARCHAR(26) NOT NULL, 
	referred_at BIGINT NOT NULL, 
	rewarded_at BIGINT, 
	CONSTRAINT ck_referral_referrer_id CHECK (referrer_id < referred_id), 
	CONSTRAINT fk_referral_referred_id_account FOREIGN KEY(referred_id) REFERENCES account (id), 
	CONSTRAINT fk_referral_referrer_id_account FOREIGN KEY(referrer_id) REFERENCES account (id), 
	CONSTRAINT pk_referral PRIMARY KEY (referred_id)
);
CREATE TABLE referral_code (
	code VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	CONSTRAINT fk_referral_code_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_referral_code PRIMARY KEY (code), 
	CONSTRAINT uq_referral_code_account_id UNIQUE (account_id)
);
CREATE TABLE refund (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	reference VARCHAR(100) NOT NULL, 
	movement_id VARCHAR(26) NOT NULL, 
	provider VARCHAR(40) NOT NULL, 
	charge VARCHAR(120) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	note VARCHAR(40) NOT NULL, 
	line VARCHAR(60) NOT NULL, 
	reason VARCHAR(254) NOT NULL, 
	asked_by VARCHAR(80) NOT NULL, 
	asked_at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	called_at BIGINT, 
	looks INTEGER NOT NULL, 
	vendor_id VARCHAR(120) NOT NULL, 
	code VARCHAR(80) NOT NULL, line_minor BIGINT, pay_out VARCHAR(100) DEFAULT '' NOT NULL, decided_by VARCHAR(80) DEFAULT '' NOT NULL, decided_at BIGINT, decided_why VARCHAR(254) DEFAULT '' NOT NULL, noted_at BIGINT, 
	CONSTRAINT ck_refund_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_refund_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_refund_movement_id_movement FOREIGN KEY(movement_id) REFERENCES movement (id), 
	CONSTRAINT pk_refund PRIMARY KEY (id), 
	CONSTRAINT uq_refund_account_id_reference UNIQUE (account_id, reference)
);
CREATE TABLE refund_limit (
	currency VARCHAR(3) NOT NULL, 
	alone_minor BIGINT NOT NULL, 
	CONSTRAINT ck_refund_limit_alone_minor CHECK (alone_minor >= 0), 
	CONSTRAINT pk_refund_limit PRIMARY KEY (currency)
);
CREATE TABLE rental (
	id VARCHAR(40) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	resource_id VARCHAR(80) NOT NULL, 
	serial VARCHAR(80) NOT NULL, 
	model VARCHAR(80) NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	charged_from DATE NOT NULL, ending VARCHAR(16), kept_minor BIGINT, 
	CONSTRAINT ck_rental_charged_from CHECK (charged_from >= from_on), 
	CONSTRAINT ck_rental_until_on CHECK (until_on IS NULL OR until_on >= from_on), 
	CONSTRAINT fk_rental_offering_offering FOREIGN KEY(offering) REFERENCES offering (code), 
	CONSTRAINT fk_rental_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_rental PRIMARY KEY (id)
);
CREATE TABLE rental_policy (
	id INTEGER NOT NULL, 
	starts VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_rental_policy PRIMARY KEY (id)
);
CREATE TABLE reopened (
	id VARCHAR(26) NOT NULL, 
	subject VARCHAR(40) NOT NULL, 
	from_on DATE NOT NULL, 
	CONSTRAINT pk_reopened PRIMARY KEY (id)
);
CREATE TABLE resource (
	id VARCHAR(40) NOT NULL, 
	serial VARCHAR(64) NOT NULL, 
	mac VARCHAR(17), 
	model VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	service VARCHAR(40), 
	moves INTEGER NOT NULL, 
	changed_at BIGINT NOT NULL, 
	changed_by VARCHAR(80) NOT NULL, place VARCHAR(80) DEFAULT 'warehouse' NOT NULL, condition VARCHAR(16), 
	CONSTRAINT pk_resource PRIMARY KEY (id), 
	CONSTRAINT uq_resource_mac UNIQUE (mac), 
	CONSTRAINT uq_resource_serial UNIQUE (serial)
);
CREATE TABLE resource_move (
	resource VARCHAR(40) NOT NULL, 
	n INTEGER NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	service VARCHAR(40), 
	place VARCHAR(80) NOT NULL, 
	"on" DATE, 
	note VARCHAR(200) NOT NULL, 
	other VARCHAR(40), 
	actor VARCHAR(80) NOT NULL, 
	at BIGINT NOT NULL, condition VARCHAR(16), 
	CONSTRAINT pk_resource_move PRIMARY KEY (resource, n)
);
CREATE TABLE review_case (
	id VARCHAR(100) NOT NULL, 
	kind VARCHAR(24) NOT NULL, 
	serial VARCHAR(64) NOT NULL, 
	reason TEXT NOT NULL, 
	found_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	resolved_at BIGINT, 
	resolved_by VARCHAR(80), 
	resolution TEXT, 
	CONSTRAINT pk_review_case PRIMARY KEY (id)
);
CREATE TABLE route (
	code VARCHAR(64) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	target_code VARCHAR(80) NOT NULL, 
	CONSTRAINT pk_route PRIMARY KEY (code, target, role, target_code)
);
CREATE TABLE search_term (
	service_id VARCHAR(26) NOT NULL, 
	term VARCHAR(48) NOT NULL, 
	CONSTRAINT fk_search_term_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_search_term PRIMARY KEY (service_id, term)
);
CREATE TABLE secret_imprint (
	resource VARCHAR(40) NOT NULL, 
	imprint VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_secret_imprint PRIMARY KEY (resource, imprint)
);
CREATE TABLE seller (
	effective_from DATE NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	address TEXT NOT NULL, 
	tax_number VARCHAR(40) NOT NULL, 
	register VARCHAR(120) NOT NULL, 
	CONSTRAINT pk_seller PRIMARY KEY (effective_from)
);
CREATE TABLE service (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	contract VARCHAR(40) NOT NULL, 
	label VARCHAR(120) NOT NULL, 
	streams INTEGER NOT NULL, 
	devices INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	billed_until DATE, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT fk_service_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT pk_service PRIMARY KEY (id), 
	CONSTRAINT uq_service_contract UNIQUE (contract)
);
CREATE TABLE service_order (
	id VARCHAR(40) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	revision BIGINT NOT NULL, 
	what TEXT NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	cause VARCHAR(160) NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	error TEXT, 
	CONSTRAINT pk_service_order PRIMARY KEY (id)
);
CREATE TABLE shift (
	id VARCHAR(26) NOT NULL, 
	till VARCHAR(30) NOT NULL, 
	n INTEGER NOT NULL, 
	cashier VARCHAR(80) NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	opened_at BIGINT NOT NULL, 
	entries INTEGER NOT NULL, 
	counted_at BIGINT, 
	counted_by VARCHAR(80) NOT NULL, 
	closed_at BIGINT, 
	closed_by VARCHAR(80) NOT NULL, 
	CONSTRAINT ck_shift_closed_at CHECK ((state = 'closed') = (closed_at IS NOT NULL)), 
	CONSTRAINT ck_shift_state CHECK (state IN ('open', 'counted', 'closed')), 
	CONSTRAINT fk_shift_till_till FOREIGN KEY(till) REFERENCES till (name), 
	CONSTRAINT pk_shift PRIMARY KEY (id), 
	CONSTRAINT uq_shift_till_n UNIQUE (till, n)
);
CREATE TABLE shift_count (
	shift_id VARCHAR(26) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	expected_minor BIGINT NOT NULL, 
	counted_minor BIGINT NOT NULL, 
	CONSTRAINT ck_shift_count_counted_minor CHECK (counted_minor >= 0), 
	CONSTRAINT fk_shift_count_shift_id_shift FOREIGN KEY(shift_id) REFERENCES shift (id), 
	CONSTRAINT pk_shift_count PRIMARY KEY (shift_id, currency)
);
CREATE TABLE sign_in (
	id VARCHAR(26) NOT NULL, 
	person_id VARCHAR(26) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	made_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_sign_in PRIMARY KEY (id), 
	CONSTRAINT uq_sign_in_token_hash UNIQUE (token_hash)
);
CREATE TABLE snapshot (
	topic VARCHAR(40) NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	revision BIGINT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_snapshot PRIMARY KEY (topic, "key")
);
CREATE TABLE stranger (
	serial VARCHAR(64) NOT NULL, 
	oui VARCHAR(8) NOT NULL, 
	model VARCHAR(64) NOT NULL, 
	mac VARCHAR(17) NOT NULL, 
	address VARCHAR(80) NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_stranger PRIMARY KEY (serial, oui)
);
CREATE TABLE subscriber_code (
	ticket_hash VARCHAR(64) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	imprint VARCHAR(32) NOT NULL, 
	ends_at BIGINT NOT NULL, 
	tries INTEGER NOT NULL, 
	used_at BIGINT, 
	sign_in_id VARCHAR(26), 
	CONSTRAINT pk_subscriber_code PRIMARY KEY (ticket_hash)
);
CREATE TABLE subscriber_password (
	account_id VARCHAR(26) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	password_at BIGINT NOT NULL, 
	CONSTRAINT pk_subscriber_password PRIMARY KEY (account_id)
);
CREATE TABLE subscriber_sign_in (
	id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	browser_hash VARCHAR(64) NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	made_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_subscriber_sign_in PRIMARY KEY (id), 
	CONSTRAINT uq_subscriber_sign_in_token_hash UNIQUE (token_hash)
);
CREATE TABLE "subscription" (
	id VARCHAR(26) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	from_on DATE NOT NULL, 
	until_on DATE, 
	charged_from DATE NOT NULL, 
	activation VARCHAR(8) NOT NULL, 
	created_at BIGINT NOT NULL, 
	quantity INTEGER DEFAULT '1' NOT NULL, 
	CONSTRAINT ck_subscription_charged_from CHECK (charged_from >= from_on), 
	CONSTRAINT ck_subscription_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_subscription_until_on CHECK (until_on IS NULL OR until_on >= from_on), 
	CONSTRAINT fk_subscription_offering_offering FOREIGN KEY(offering) REFERENCES offering (code), 
	CONSTRAINT fk_subscription_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT pk_subscription PRIMARY KEY (id)
);
CREATE TABLE target (
	name VARCHAR(32) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	options TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	version INTEGER NOT NULL, 
	in_flight_max INTEGER NOT NULL, 
	drift_policy VARCHAR(16) NOT NULL, 
	guard_share_percent INTEGER NOT NULL, 
	guard_floor INTEGER NOT NULL, 
	down_since BIGINT, 
	down_reason TEXT, 
	probes INTEGER DEFAULT '0' NOT NULL, 
	probe_at BIGINT, 
	parked_at BIGINT, 
	parked_reason TEXT, 
	throttled_until BIGINT, 
	pace INTEGER, 
	paced_at BIGINT, models TEXT DEFAULT '[]' NOT NULL, call_every_us BIGINT, 
	CONSTRAINT pk_target PRIMARY KEY (name)
);
CREATE TABLE target_meter (
	target VARCHAR(32) NOT NULL, 
	cursor VARCHAR(200) NOT NULL, 
	read_at BIGINT NOT NULL, 
	told BIGINT NOT NULL, 
	refused BIGINT NOT NULL, 
	reason TEXT, 
	CONSTRAINT pk_target_meter PRIMARY KEY (target)
);
CREATE TABLE target_ref (
	target VARCHAR(32) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	ref VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_target_ref PRIMARY KEY (target, service)
);
CREATE TABLE target_share (
	target VARCHAR(32) NOT NULL, 
	worker BIGINT NOT NULL, 
	wanted INTEGER NOT NULL, 
	held INTEGER NOT NULL, 
	lease_until BIGINT NOT NULL, 
	CONSTRAINT pk_target_share PRIMARY KEY (target, worker)
);
CREATE TABLE target_turn (
	target VARCHAR(32) NOT NULL, 
	taken_until BIGINT NOT NULL, 
	CONSTRAINT pk_target_turn PRIMARY KEY (target)
);
CREATE TABLE tax_policy (
	id INTEGER NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	CONSTRAINT pk_tax_policy PRIMARY KEY (id)
);
CREATE TABLE "tax_rate" (
	tax VARCHAR(40) NOT NULL, 
	jurisdiction VARCHAR(10) NOT NULL, 
	effective_from DATE NOT NULL, 
	ppm INTEGER NOT NULL, 
	CONSTRAINT ck_tax_rate_ppm CHECK (ppm >= 0), 
	CONSTRAINT pk_tax_rate PRIMARY KEY (tax, jurisdiction, effective_from)
);
CREATE TABLE till (
	name VARCHAR(30) NOT NULL, 
	place VARCHAR(120) NOT NULL, 
	tolerance_minor BIGINT NOT NULL, 
	is_retired BOOLEAN DEFAULT 0 NOT NULL, 
	shifts INTEGER DEFAULT '0' NOT NULL, 
	made_at BIGINT NOT NULL, 
	CONSTRAINT ck_till_tolerance_minor CHECK (tolerance_minor >= 0), 
	CONSTRAINT pk_till PRIMARY KEY (name)
);
CREATE TABLE usage_record (
	source VARCHAR(40) NOT NULL, 
	source_id VARCHAR(80) NOT NULL, 
	contract VARCHAR(40) NOT NULL, 
	meter VARCHAR(40) NOT NULL, 
	quantity_micro BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	taken_at BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reason VARCHAR(16) NOT NULL, 
	total_id VARCHAR(40), 
	CONSTRAINT ck_usage_record_quantity_micro CHECK (quantity_micro >= 0), 
	CONSTRAINT ck_usage_record_total_id CHECK ((state = 'counted') = (total_id IS NOT NULL)), 
	CONSTRAINT pk_usage_record PRIMARY KEY (source, source_id)
);
CREATE TABLE usage_total (
	id VARCHAR(40) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	service_id VARCHAR(26) NOT NULL, 
	subscription_id VARCHAR(26) NOT NULL, 
	offering VARCHAR(40) NOT NULL, 
	meter VARCHAR(40) NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	quantity_micro BIGINT NOT NULL, 
	events INTEGER NOT NULL, 
	rated_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	CONSTRAINT ck_usage_total_period_end CHECK (period_start < period_end), 
	CONSTRAINT ck_usage_total_quantity_micro CHECK (quantity_micro >= 0 AND events >= 0), 
	CONSTRAINT fk_usage_total_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_usage_total_service_id_service FOREIGN KEY(service_id) REFERENCES service (id), 
	CONSTRAINT fk_usage_total_subscription_id_subscription FOREIGN KEY(subscription_id) REFERENCES subscription (id), 
	CONSTRAINT pk_usage_total PRIMARY KEY (id)
);
CREATE TABLE voided (
	invoice_id VARCHAR(26) NOT NULL, 
	is_charged_again BOOLEAN NOT NULL, 
	voided_at BIGINT NOT NULL, 
	voided_by VARCHAR(80) NOT NULL, 
	reason VARCHAR(254) NOT NULL, 
	CONSTRAINT fk_voided_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_voided PRIMARY KEY (invoice_id)
);
CREATE TABLE voucher (
	digest VARCHAR(64) NOT NULL, 
	batch VARCHAR(40) NOT NULL, 
	n INTEGER NOT NULL, 
	account_id VARCHAR(26), 
	redeemed_at BIGINT, 
	CONSTRAINT ck_voucher_account_id CHECK ((account_id IS NULL) = (redeemed_at IS NULL)), 
	CONSTRAINT fk_voucher_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_voucher_batch_voucher_batch FOREIGN KEY(batch) REFERENCES voucher_batch (name), 
	CONSTRAINT pk_voucher PRIMARY KEY (digest), 
	CONSTRAINT uq_voucher_batch_n UNIQUE (batch, n)
);
CREATE TABLE voucher_batch (
	name VARCHAR(40) NOT NULL, 
	prefix VARCHAR(6) NOT NULL, 
	value_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	count INTEGER NOT NULL, 
	valid_until DATE NOT NULL, 
	dealer VARCHAR(80) NOT NULL, 
	margin_ppm INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	made_at BIGINT NOT NULL, 
	activated_at BIGINT, 
	stopped_at BIGINT, 
	redeemed INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT ck_voucher_batch_margin_ppm CHECK (margin_ppm BETWEEN 0 AND 1000000), 
	CONSTRAINT ck_voucher_batch_redeemed CHECK (redeemed BETWEEN 0 AND count), 
	CONSTRAINT ck_voucher_batch_state CHECK (state IN ('made', 'active', 'stopped')), 
	CONSTRAINT ck_voucher_batch_value_minor CHECK (value_minor > 0), 
	CONSTRAINT pk_voucher_batch PRIMARY KEY (name)
);
CREATE TABLE voucher_key (
	id VARCHAR(26) NOT NULL, 
	sealed TEXT NOT NULL, 
	CONSTRAINT pk_voucher_key PRIMARY KEY (id)
);
CREATE TABLE "wish" (
	subject VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	ref VARCHAR(64) NOT NULL, 
	revision BIGINT NOT NULL, 
	value TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	cause VARCHAR(160) NOT NULL, 
	updated_at BIGINT NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_wish PRIMARY KEY (subject, target)
);
CREATE TABLE wish_problem (
	service VARCHAR(40) NOT NULL, 
	target VARCHAR(32) NOT NULL, 
	reason TEXT NOT NULL, 
	found_at BIGINT NOT NULL, 
	CONSTRAINT pk_wish_problem PRIMARY KEY (service, target)
);
CREATE TABLE work (
	kind VARCHAR(16) NOT NULL, 
	"key" VARCHAR(160) NOT NULL, 
	target VARCHAR(64) DEFAULT '' NOT NULL, 
	generation BIGINT DEFAULT '1' NOT NULL, 
	due_at BIGINT NOT NULL, 
	not_before BIGINT NOT NULL, 
	lease_until BIGINT DEFAULT '0' NOT NULL, 
	token BIGINT DEFAULT '0' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	marked_at BIGINT NOT NULL, 
	again_at BIGINT, 
	parked_at BIGINT, 
	error TEXT, is_scheduled INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_work PRIMARY KEY (kind, "key")
);
CREATE TABLE write_off (
	id VARCHAR(26) NOT NULL, 
	invoice_id VARCHAR(26) NOT NULL, 
	account_id VARCHAR(26) NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	written_on DATE NOT NULL, 
	written_at BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT ck_write_off_amount_minor CHECK (amount_minor > 0), 
	CONSTRAINT fk_write_off_account_id_account FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_write_off_invoice_id_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT pk_write_off PRIMARY KEY (id)
);
CREATE INDEX ix_account_customer_id ON account (customer_id);
CREATE INDEX ix_allocation_account_id ON allocation (account_id);
CREATE INDEX ix_allocation_invoice_id ON allocation (invoice_id);
CREATE INDEX ix_announcement_digest_at ON announcement (digest, at);
CREATE INDEX ix_attempt_account_id ON attempt (account_id);
CREATE INDEX ix_attempt_unsettled ON attempt (state) WHERE state IN ('open', 'unknown');
CREATE INDEX ix_audit_actor_position ON audit (actor, position);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_audit_subject_position ON audit (subject, position);
CREATE INDEX ix_bank_aside_at_entry_id ON bank_aside (at, entry_id);
CREATE INDEX ix_bank_entry_end_to_end ON bank_entry (end_to_end);
CREATE INDEX ix_bank_entry_of_id ON bank_entry (of_id);
CREATE INDEX ix_bank_entry_ref ON bank_entry (ref);
CREATE INDEX ix_bank_entry_waiting ON bank_entry (id) WHERE state IN ('review', 'suspense');
CREATE INDEX ix_bank_part_account_id ON bank_part (account_id);
CREATE INDEX ix_box_login_imprinted_by ON box_login (imprinted_by);
CREATE INDEX ix_box_login_key_id ON box_login (key_id);
CREATE INDEX ix_box_login_login_name ON box_login (login_name);
CREATE INDEX ix_credit_note_account_id_sequence ON credit_note (account_id, sequence);
CREATE INDEX ix_darkening_target_verdict_at ON darkening (target, verdict, at);
CREATE INDEX ix_debit_announced ON debit (collect_on) WHERE state = 'announced';
CREATE INDEX ix_debit_batch_id ON debit (batch_id);
CREATE INDEX ix_debit_method_id ON debit (method_id);
CREATE INDEX ix_deferral_account_id ON deferral (account_id);
CREATE INDEX ix_delivery_begun_at ON delivery (begun_at);
CREATE INDEX ix_delivery_service_id ON delivery (service_id);
CREATE INDEX ix_drift_target_found_at ON drift (target, found_at);
CREATE INDEX ix_errand_target_ref ON errand (target, ref);
CREATE INDEX ix_errand_target_stage_ended_at ON errand (target, stage, ended_at);
CREATE INDEX ix_hold_service_id ON hold (service_id);
CREATE INDEX ix_invoice_account_id_sequence ON invoice (account_id, sequence);
CREATE INDEX ix_invoice_discount_redemption_id_ends_on ON invoice_discount (redemption_id, ends_on);
CREATE INDEX ix_job_assignee_state ON job (assignee, state);
CREATE INDEX ix_job_service_id ON job (service, id);
CREATE INDEX ix_job_state_opened_at ON job (state, opened_at);
CREATE INDEX ix_kept_answer_kept_at ON kept_answer (kept_at);
CREATE INDEX ix_log_entry_key ON log_entry ("key");
CREATE INDEX ix_log_entry_kind_position ON log_entry (kind, position);
CREATE INDEX ix_mandate_account_id ON mandate (account_id);
CREATE INDEX ix_movement_account_id ON movement (account_id);
CREATE INDEX ix_movement_provider_charge ON movement (provider, charge);
CREATE INDEX ix_movement_unsettled ON movement (account_id) WHERE settled_at IS NULL;
CREATE INDEX ix_observed_target_enabled ON observed (target, enabled);
CREATE INDEX ix_open_item_account_id ON open_item (account_id);
CREATE INDEX ix_pause_service_id ON pause (service_id);
CREATE INDEX ix_pay_page_account_id ON pay_page (account_id);
CREATE INDEX ix_pay_page_closing ON pay_page (id) WHERE is_closing;
CREATE INDEX ix_payment_method_account_id ON payment_method (account_id);
CREATE INDEX ix_payment_method_expires_on ON payment_method (expires_on);
CREATE INDEX ix_payment_method_nameless ON payment_method (provider, asked_at) WHERE label = '' AND stopped = '';
CREATE INDEX ix_payment_method_provider_method_ref ON payment_method (provider, method_ref);
CREATE INDEX ix_pending_charge_account_id_is_open ON pending_charge (account_id, is_open);
CREATE INDEX ix_pending_charge_cause ON pending_charge (cause);
CREATE INDEX ix_point_entry_account_id ON point_entry (account_id);
CREATE INDEX ix_posting_account_id ON posting (account_id);
CREATE INDEX ix_proforma_account_id_sequence ON proforma (account_id, sequence);
CREATE INDEX ix_promise_account_id ON promise (account_id);
CREATE INDEX ix_provider_event_state ON provider_event (state);
CREATE INDEX ix_purchase_account_id_is_open ON purchase (account_id, is_open);
CREATE INDEX ix_purchase_service_id ON purchase (service_id);
CREATE INDEX ix_receipt_account_id ON receipt (account_id);
CREATE INDEX ix_receipt_shift_id ON receipt (shift_id);
CREATE INDEX ix_redemption_account_id ON redemption (account_id);
CREATE INDEX ix_referral_referrer_id ON referral (referrer_id);
CREATE INDEX ix_refund_provider_charge ON refund (provider, charge);
CREATE INDEX ix_refund_undecided ON refund (state) WHERE state IN ('open', 'unknown');
CREATE INDEX ix_refund_waiting ON refund (id) WHERE state = 'waiting';
CREATE INDEX ix_rental_resource_id ON rental (resource_id);
CREATE INDEX ix_rental_service_id ON rental (service_id);
CREATE INDEX ix_reopened_subject ON reopened (subject);
CREATE INDEX ix_resource_place_state ON resource (place, state);
CREATE INDEX ix_resource_service ON resource (service);
CREATE INDEX ix_review_case_resolved_at_seen_at ON review_case (resolved_at, seen_at);
CREATE INDEX ix_search_term_term ON search_term (term);
CREATE INDEX ix_secret_imprint_imprint ON secret_imprint (imprint);
CREATE INDEX ix_service_account_id ON service (account_id);
CREATE INDEX ix_service_order_service_id ON service_order (service, id);
CREATE INDEX ix_sign_in_person_id_made_at ON sign_in (person_id, made_at);
CREATE INDEX ix_stranger_last_at ON stranger (last_at);
CREATE INDEX ix_subscriber_code_ends_at ON subscriber_code (ends_at);
CREATE INDEX ix_subscriber_sign_in_account_id_made_at ON subscriber_sign_in (account_id, made_at);
CREATE INDEX ix_subscription_service_id ON subscription (service_id);
CREATE INDEX ix_target_ref_service ON target_ref (service);
CREATE INDEX ix_usage_record_state_contract ON usage_record (state, contract);
CREATE INDEX ix_usage_record_total_id ON usage_record (total_id);
CREATE INDEX ix_usage_total_service_id_period_end ON usage_total (service_id, period_end);
CREATE INDEX ix_voucher_account_id ON voucher (account_id);
CREATE INDEX ix_wish_service ON wish (service);
CREATE INDEX ix_wish_target_ref ON wish (target, ref);
CREATE INDEX ix_work_claimable ON work (kind, target, is_scheduled, due_at) WHERE parked_at IS NULL;
CREATE INDEX ix_work_parked ON work (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX ix_write_off_invoice_id ON write_off (invoice_id);
CREATE TRIGGER allocation_no_delete BEFORE DELETE ON allocation BEGIN SELECT RAISE(ABORT, 'allocation only grows'); END;
CREATE TRIGGER allocation_no_replace BEFORE INSERT ON allocation WHEN EXISTS (SELECT 1 FROM allocation WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'allocation only grows'); END;
CREATE TRIGGER allocation_no_update BEFORE UPDATE ON allocation BEGIN SELECT RAISE(ABORT, 'allocation only grows'); END;
CREATE TRIGGER audit_link_no_delete BEFORE DELETE ON audit_link BEGIN SELECT RAISE(ABORT, 'audit_link only grows'); END;
CREATE TRIGGER audit_link_no_replace BEFORE INSERT ON audit_link WHEN EXISTS (SELECT 1 FROM audit_link WHERE n = NEW.n OR deed = NEW.deed) BEGIN SELECT RAISE(ABORT, 'audit_link only grows'); END;
CREATE TRIGGER audit_link_no_update BEFORE UPDATE ON audit_link BEGIN SELECT RAISE(ABORT, 'audit_link only grows'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit only grows'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE position = NEW.position) BEGIN SELECT RAISE(ABORT, 'audit only grows'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit only grows'); END;
CREATE TRIGGER bank_aside_no_delete BEFORE DELETE ON bank_aside BEGIN SELECT RAISE(ABORT, 'bank_aside only grows'); END;
CREATE TRIGGER bank_aside_no_replace BEFORE INSERT ON bank_aside WHEN EXISTS (SELECT 1 FROM bank_aside WHERE entry_id = NEW.entry_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'bank_aside only grows'); END;
CREATE TRIGGER bank_aside_no_update BEFORE UPDATE ON bank_aside BEGIN SELECT RAISE(ABORT, 'bank_aside only grows'); END;
CREATE TRIGGER bank_aside_undone_no_delete BEFORE DELETE ON bank_aside_undone BEGIN SELECT RAISE(ABORT, 'bank_aside_undone only grows'); END;
CREATE TRIGGER bank_aside_undone_no_replace BEFORE INSERT ON bank_aside_undone WHEN EXISTS (SELECT 1 FROM bank_aside_undone WHERE entry_id = NEW.entry_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'bank_aside_undone only grows'); END;
CREATE TRIGGER bank_aside_undone_no_update BEFORE UPDATE ON bank_aside_undone BEGIN SELECT RAISE(ABORT, 'bank_aside_undone only grows'); END;
CREATE TRIGGER bank_part_no_delete BEFORE DELETE ON bank_part BEGIN SELECT RAISE(ABORT, 'bank_part only grows'); END;
CREATE TRIGGER bank_part_no_replace BEFORE INSERT ON bank_part WHEN EXISTS (SELECT 1 FROM bank_part WHERE entry_id = NEW.entry_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'bank_part only grows'); END;
CREATE TRIGGER bank_part_no_update BEFORE UPDATE ON bank_part BEGIN SELECT RAISE(ABORT, 'bank_part only grows'); END;
CREATE TRIGGER bank_statement_no_delete BEFORE DELETE ON bank_statement BEGIN SELECT RAISE(ABORT, 'bank_statement only grows'); END;
CREATE TRIGGER bank_statement_no_replace BEFORE INSERT ON bank_statement WHEN EXISTS (SELECT 1 FROM bank_statement WHERE account = NEW.account AND id = NEW.id) BEGIN SELECT RAISE(ABORT, 'bank_statement only grows'); END;
CREATE TRIGGER bank_statement_no_update BEFORE UPDATE ON bank_statement BEGIN SELECT RAISE(ABORT, 'bank_statement only grows'); END;
CREATE TRIGGER bank_undone_no_delete BEFORE DELETE ON bank_undone BEGIN SELECT RAISE(ABORT, 'bank_undone only grows'); END;
CREATE TRIGGER bank_undone_no_replace BEFORE INSERT ON bank_undone WHEN EXISTS (SELECT 1 FROM bank_undone WHERE entry_id = NEW.entry_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'bank_undone only grows'); END;
CREATE TRIGGER bank_undone_no_update BEFORE UPDATE ON bank_undone BEGIN SELECT RAISE(ABORT, 'bank_undone only grows'); END;
CREATE TRIGGER catalog_version_no_delete BEFORE DELETE ON catalog_version BEGIN SELECT RAISE(ABORT, 'catalog_version only grows'); END;
CREATE TRIGGER catalog_version_no_replace BEFORE INSERT ON catalog_version WHEN EXISTS (SELECT 1 FROM catalog_version WHERE edition = NEW.edition) BEGIN SELECT RAISE(ABORT, 'catalog_version only grows'); END;
CREATE TRIGGER catalog_version_no_update BEFORE UPDATE ON catalog_version BEGIN SELECT RAISE(ABORT, 'catalog_version only grows'); END;
CREATE TRIGGER credit_line_no_delete BEFORE DELETE ON credit_line BEGIN SELECT RAISE(ABORT, 'credit_line only grows'); END;
CREATE TRIGGER credit_line_no_replace BEFORE INSERT ON credit_line WHEN EXISTS (SELECT 1 FROM credit_line WHERE note_id = NEW.note_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'credit_line only grows'); END;
CREATE TRIGGER credit_line_no_update BEFORE UPDATE ON credit_line BEGIN SELECT RAISE(ABORT, 'credit_line only grows'); END;
CREATE TRIGGER credit_note_no_delete BEFORE DELETE ON credit_note BEGIN SELECT RAISE(ABORT, 'credit_note only grows'); END;
CREATE TRIGGER credit_note_no_replace BEFORE INSERT ON credit_note WHEN EXISTS (SELECT 1 FROM credit_note WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'credit_note only grows'); END;
CREATE TRIGGER credit_note_no_update BEFORE UPDATE ON credit_note BEGIN SELECT RAISE(ABORT, 'credit_note only grows'); END;
CREATE TRIGGER drawer_entry_closed_insert BEFORE INSERT ON drawer_entry WHEN EXISTS (SELECT 1 FROM shift WHERE id = NEW.shift_id AND state <> 'open') BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER drawer_entry_no_delete BEFORE DELETE ON drawer_entry BEGIN SELECT RAISE(ABORT, 'drawer_entry only grows'); END;
CREATE TRIGGER drawer_entry_no_replace BEFORE INSERT ON drawer_entry WHEN EXISTS (SELECT 1 FROM drawer_entry WHERE shift_id = NEW.shift_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'drawer_entry only grows'); END;
CREATE TRIGGER drawer_entry_no_update BEFORE UPDATE ON drawer_entry BEGIN SELECT RAISE(ABORT, 'drawer_entry only grows'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry only grows'); END;
CREATE TRIGGER entry_seal BEFORE INSERT ON entry BEGIN
        SELECT RAISE(ABORT, 'posting is sealed already')
            WHERE EXISTS (SELECT 1 FROM posting WHERE id = NEW.posting_id);
    END;
CREATE TRIGGER goodwill_no_delete BEFORE DELETE ON goodwill BEGIN SELECT RAISE(ABORT, 'goodwill only grows'); END;
CREATE TRIGGER goodwill_no_replace BEFORE INSERT ON goodwill WHEN EXISTS (SELECT 1 FROM goodwill WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'goodwill only grows'); END;
CREATE TRIGGER goodwill_no_update BEFORE UPDATE ON goodwill BEGIN SELECT RAISE(ABORT, 'goodwill only grows'); END;
CREATE TRIGGER invoice_discount_no_delete BEFORE DELETE ON invoice_discount BEGIN SELECT RAISE(ABORT, 'invoice_discount only grows'); END;
CREATE TRIGGER invoice_discount_no_replace BEFORE INSERT ON invoice_discount WHEN EXISTS (SELECT 1 FROM invoice_discount WHERE invoice_id = NEW.invoice_id AND redemption_id = NEW.redemption_id AND ends_on = NEW.ends_on) BEGIN SELECT RAISE(ABORT, 'invoice_discount only grows'); END;
CREATE TRIGGER invoice_discount_no_update BEFORE UPDATE ON invoice_discount BEGIN SELECT RAISE(ABORT, 'invoice_discount only grows'); END;
CREATE TRIGGER invoice_line_no_delete BEFORE DELETE ON invoice_line BEGIN SELECT RAISE(ABORT, 'invoice_line only grows'); END;
CREATE TRIGGER invoice_line_no_replace BEFORE INSERT ON invoice_line WHEN EXISTS (SELECT 1 FROM invoice_line WHERE invoice_id = NEW.invoice_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'invoice_line only grows'); END;
CREATE TRIGGER invoice_line_no_update BEFORE UPDATE ON invoice_line BEGIN SELECT RAISE(ABORT, 'invoice_line only grows'); END;
CREATE TRIGGER invoice_no_delete BEFORE DELETE ON invoice BEGIN SELECT RAISE(ABORT, 'invoice only grows'); END;
CREATE TRIGGER invoice_no_replace BEFORE INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'invoice only grows'); END;
CREATE TRIGGER invoice_no_update BEFORE UPDATE ON invoice BEGIN SELECT RAISE(ABORT, 'invoice only grows'); END;
CREATE TRIGGER point_entry_no_delete BEFORE DELETE ON point_entry BEGIN SELECT RAISE(ABORT, 'point_entry only grows'); END;
CREATE TRIGGER point_entry_no_replace BEFORE INSERT ON point_entry WHEN EXISTS (SELECT 1 FROM point_entry WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'point_entry only grows'); END;
CREATE TRIGGER point_entry_no_update BEFORE UPDATE ON point_entry BEGIN SELECT RAISE(ABORT, 'point_entry only grows'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'posting only grows'); END;
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'posting only grows'); END;
CREATE TRIGGER posting_seal BEFORE INSERT ON posting BEGIN
        SELECT RAISE(ABORT, 'posting is sealed already')
            WHERE EXISTS (SELECT 1 FROM posting WHERE id = NEW.id);
        SELECT RAISE(ABORT, 'posting does not balance')
            WHERE NOT EXISTS (SELECT 1 FROM entry WHERE posting_id = NEW.id)
            OR EXISTS (SELECT 1 FROM entry WHERE posting_id = NEW.id GROUP BY currency
                       HAVING SUM(amount_minor) <> 0 OR COUNT(*) < 2);
    END;
CREATE TRIGGER proforma_no_delete BEFORE DELETE ON proforma BEGIN SELECT RAISE(ABORT, 'proforma only grows'); END;
CREATE TRIGGER proforma_no_replace BEFORE INSERT ON proforma WHEN EXISTS (SELECT 1 FROM proforma WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'proforma only grows'); END;
CREATE TRIGGER proforma_no_update BEFORE UPDATE ON proforma BEGIN SELECT RAISE(ABORT, 'proforma only grows'); END;
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt only grows'); END;
CREATE TRIGGER receipt_no_replace BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'receipt only grows'); END;
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt only grows'); END;
CREATE TRIGGER receipt_print_no_delete BEFORE DELETE ON receipt_print BEGIN SELECT RAISE(ABORT, 'receipt_print only grows'); END;
CREATE TRIGGER receipt_print_no_replace BEFORE INSERT ON receipt_print WHEN EXISTS (SELECT 1 FROM receipt_print WHERE receipt_id = NEW.receipt_id AND n = NEW.n) BEGIN SELECT RAISE(ABORT, 'receipt_print only grows'); END;
CREATE TRIGGER receipt_print_no_update BEFORE UPDATE ON receipt_print BEGIN SELECT RAISE(ABORT, 'receipt_print only grows'); END;
CREATE TRIGGER resource_move_no_delete BEFORE DELETE ON resource_move BEGIN SELECT RAISE(ABORT, 'resource_move only grows'); END;
CREATE TRIGGER resource_move_no_update BEFORE UPDATE ON resource_move BEGIN SELECT RAISE(ABORT, 'resource_move only grows'); END;
CREATE TRIGGER shift_closed_delete BEFORE DELETE ON shift WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER shift_closed_update BEFORE UPDATE ON shift WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER shift_count_closed_delete BEFORE DELETE ON shift_count WHEN EXISTS (SELECT 1 FROM shift WHERE id = OLD.shift_id AND state = 'closed') BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER shift_count_closed_insert BEFORE INSERT ON shift_count WHEN EXISTS (SELECT 1 FROM shift WHERE id = NEW.shift_id AND state = 'closed') BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER shift_count_closed_update BEFORE UPDATE ON shift_count WHEN EXISTS (SELECT 1 FROM shift WHERE id = OLD.shift_id AND state = 'closed') BEGIN SELECT RAISE(ABORT, 'a closed shift does not change'); END;
CREATE TRIGGER voided_no_delete BEFORE DELETE ON voided BEGIN SELECT RAISE(ABORT, 'voided only grows'); END;
CREATE TRIGGER voided_no_replace BEFORE INSERT ON voided WHEN EXISTS (SELECT 1 FROM voided WHERE invoice_id = NEW.invoice_id) BEGIN SELECT RAISE(ABORT, 'voided only grows'); END;
CREATE TRIGGER voided_no_update BEFORE UPDATE ON voided BEGIN SELECT RAISE(ABORT, 'voided only grows'); END;
CREATE TRIGGER write_off_no_delete BEFORE DELETE ON write_off BEGIN SELECT RAISE(ABORT, 'write_off only grows'); END;
CREATE TRIGGER write_off_no_replace BEFORE INSERT ON write_off WHEN EXISTS (SELECT 1 FROM write_off WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'write_off only grows'); END;
CREATE TRIGGER write_off_no_update BEFORE UPDATE ON write_off BEGIN SELECT RAISE(ABORT, 'write_off only grows'); END;
CREATE UNIQUE INDEX ix_job_reason ON job (reason);
CREATE UNIQUE INDEX ix_shift_cashier_unclosed ON shift (cashier) WHERE state <> 'closed';
CREATE UNIQUE INDEX ix_shift_till_unclosed ON shift (till) WHERE state <> 'closed';
CREATE UNIQUE INDEX uq_credit_line_day ON credit_line (invoice_id, invoice_n, period_start) WHERE goodwill_id IS NULL;
CREATE UNIQUE INDEX uq_drift_open ON drift (target, ref) WHERE repaired_at IS NULL;
CREATE UNIQUE INDEX uq_target_ref_target_ref ON target_ref (target, ref);
CREATE UNIQUE INDEX ux_promise_standing ON promise (account_id) WHERE state = 'standing';
