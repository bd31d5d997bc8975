"""Papers of a share request (申请表, 补正告知书, 答复函, 协调处理意见书), to be printed and signed.

`facts` gathers what a paper says; `sheet` is the page that all share; `application` and `answer`
are the papers. They are documents under Chinese law and are in Chinese whatever the language of the
station's people. One page of HTML each, with nothing from outside.
"""

from ortoo_node.cases.papers.answer import answer
from ortoo_node.cases.papers.application import application
from ortoo_node.cases.papers.facts import Paper, gather

__all__ = ["Paper", "answer", "application", "gather"]
